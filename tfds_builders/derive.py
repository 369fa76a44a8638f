"""Anonymized records of a data set, made from those of its source."""

import concurrent.futures
from collections.abc import Callable, Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces, pipeline
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.faces import Faces
from safefakes_tf.photos import writer
from tfds_builders.builder_config import AnonymizedConfig
from tfds_builders.parts import Made


def derivation(
    config: AnonymizedConfig, features: tfds.features.FeaturesDict, layout: str
) -> Callable[[tf.data.Dataset], Iterator[Made]]:
    """Return a function from source records to derived ones, photos encoded in both.

    The anonymizer is made once, so that all splits share its weights and graphs.

    Args:
        config: of the derived data set.
        features: of the source.
        layout: of the keypoints of the source records.

    Raises:
        ValueError: if the weights are not those that the data set is named after.
    """
    anonymizer = anonymizers.create(
        config.anonymizer, config.anonymization, config.seed, layout
    )
    if anonymizer.weights_sha256 != config.weights_sha256():
        raise ValueError(
            f"the weights in {config.anonymization.weights} were replaced since the "
            "start; give the same command again"
        )
    # Graphs are traced while keypoints are searched; the first photo waits for that.
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(anonymizer.anonymize_batch, *_no_faces())
    pool.shutdown(wait=False)
    decode_example = features[faces.IMAGE].decode_example

    def decode(record):
        return {**record, faces.IMAGE: decode_example(record[faces.IMAGE])}

    def encode(record):
        photo = writer.encode(
            record[faces.IMAGE], config.image_format, config.jpeg_quality
        )
        record = {**record, faces.IMAGE: photo}
        arrays = {key: value.numpy() for key, value in record.items()}
        return Made([{**arrays, faces.FILENAME: arrays[faces.FILENAME].decode()}], {})

    return lambda records: pipeline.anonymize(records, anonymizer, decode, encode)


def _no_faces():
    """Return a batch of one photo without faces, for `anonymize_batch`."""
    faces_of_photo = Faces(tf.zeros([0, 4]), tf.zeros([0, 0, 2]), tf.zeros([0], bool))
    return [tf.zeros([1, 1, 3], tf.uint8)], [faces_of_photo], [0]
