"""Anonymized records of a data set, made from those of its source."""

from collections.abc import Callable, Iterable, Iterator

import tensorflow_datasets as tfds

from safefakes_tf import faces, pipeline
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.photos import writer
from tfds_builders.builder_config import AnonymizedConfig


def derivation(
    config: AnonymizedConfig, features: tfds.features.FeaturesDict, layout: str
) -> Callable[[Iterable[faces.Record]], Iterator[faces.Record]]:
    """Return a function from source records to derived ones, photos encoded in both.

    The anonymizer is made once, so that all splits share its weights and graphs.

    Args:
        config: of the derived data set.
        features: of the source.
        layout: of the keypoints of the source records.
    """
    anonymizer = anonymizers.create(
        config.anonymizer, config.anonymization, config.seed, layout
    )
    decode_example = features[faces.IMAGE].decode_example

    def decode(record):
        return {**record, faces.IMAGE: decode_example(record[faces.IMAGE])}

    def encode(record):
        photo = writer.encode(
            record[faces.IMAGE], config.image_format, config.jpeg_quality
        )
        record = {**record, faces.IMAGE: photo}
        arrays = {key: value.numpy() for key, value in record.items()}
        return {**arrays, faces.FILENAME: arrays[faces.FILENAME].decode()}

    return lambda records: pipeline.anonymize(records, anonymizer, decode, encode)
