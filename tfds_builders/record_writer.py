"""Record files that are the same, byte for byte, whichever process writes them."""

import os
from collections.abc import Iterable

import tensorflow as tf
import tensorflow_datasets as tfds


class OrderedWriter(tfds.core.ExampleWriter):
    """Writes the features of every example in one order, that of their names.

    TFDS leaves it to protobuf's hash map, and that differs from process to process.
    """

    def write(self, path: os.PathLike, examples: Iterable[tuple[bytes, bytes]]):
        """Write pairs of a key and a serialized `tf.train.Example`."""
        ordered = ((key, in_order(example)) for key, example in examples)
        return super().write(path, ordered)


def in_order(example: bytes) -> bytes:
    """Return a serialized `tf.train.Example` with its features in one order."""
    return tf.train.Example.FromString(example).SerializeToString(deterministic=True)
