"""Anonymizers: photo and faces in, photo without those faces out."""

from safefakes_tf.anonymizers import filters
from safefakes_tf.anonymizers.base import Anonymizer, face_seeds, photo_seed
from safefakes_tf.anonymizers.ciagan import anonymizer as ciagan
from safefakes_tf.anonymizers.deepprivacy import anonymizer as deepprivacy
from safefakes_tf.anonymizers.sun2018 import anonymizer as sun2018
from safefakes_tf.config import AnonymizationConfig

__all__ = ["ANONYMIZERS", "Anonymizer", "create", "face_seeds", "photo_seed"]

ANONYMIZERS: dict[str, type[Anonymizer]] = {
    "original": filters.Original,
    "blackout": filters.Blackout,
    "blur": filters.Blur,
    "fullblur": filters.FullBlur,
    "pixelate": filters.Pixelate,
    "sun2018": sun2018.Sun2018,
    "deepprivacy": deepprivacy.DeepPrivacy,
    "ciagan": ciagan.Ciagan,
}


def create(name: str, config: AnonymizationConfig, seed: int) -> Anonymizer:
    """Return the anonymizer of a name.

    Args:
        name: one of `config.ANONYMIZER_NAMES`.
        config: policy, filters, and the weights of those that need them.
        seed: of the run; the seed of a face is a hash of it, the photo's file name
            and the index of the face.

    Raises:
        ValueError: if there is no such anonymizer, or an option is out of its range.
    """
    if name not in ANONYMIZERS:
        raise ValueError(
            f"anonymizer must be one of {', '.join(ANONYMIZERS)}; got {name!r}"
        )
    return ANONYMIZERS[name](config, seed)
