"""The photos of one data set before and after an anonymizer, side by side."""

import dataclasses

import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders

WHOLE_PHOTOS = ("original", "fullblur")  # these take no face by itself


def paired_streams(
    data: DataConfig, seed: int, reference: str, split: str
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Return the same photos twice, in the same order; builds what is not there.

    Args:
        data: photos and anonymizer.
        seed: of the run.
        reference: what the anonymized photos are compared with: "original", decoded and
            encoded as they are, or "source", the untouched files.
        split: or a part of one, such as `train[:500]`.

    Returns:
        Records of the reference and of the anonymized photos, these with
        `faces/action`: of `WHOLE_PHOTOS` what other anonymizers would do, so that the
        same faces are compared.

    Raises:
        ValueError: as `registry.prepare`, and if there is no such split.
    """
    before, after = (
        _prepared(dataclasses.replace(data, anonymizer=name), seed, split)
        for name in (reference, data.anonymizer)
    )
    if data.anonymizer in WHOLE_PHOTOS:
        blackout = anonymizers.create("blackout", data.anonymization, seed)
        after = after.map(
            lambda record: {**record, faces.ACTION: blackout(record)[faces.ACTION]}
        )
    return before, after


def _prepared(data, seed, split):
    builder = builders.create_builder(data, seed)
    builders.prepare(builder, split.partition("[")[0])
    return builder.as_dataset(split=split)
