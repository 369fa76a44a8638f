"""Record files that are the same, byte for byte, whichever process writes them."""

import hashlib
import os
from collections.abc import Iterable, Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

_LENGTH, _CHECKSUM = 8, 4  # bytes; a record lies behind both, before a checksum of it


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


def read(path: str | os.PathLike, file_format: tfds.core.FileFormat) -> Iterator[bytes]:
    """Yield the records of a file, one after the other."""
    if file_format == tfds.core.FileFormat.ARRAY_RECORD:
        # Not everybody has it: TFDS requires it on Linux only.
        from array_record.python import array_record_module

        reader = array_record_module.ArrayRecordReader(os.fspath(path))
        for _ in range(reader.num_records()):
            yield reader.read()
        reader.close()
    else:
        yield from tf.data.TFRecordDataset(os.fspath(path)).as_numpy_iterator()


def digest(paths: Iterable[os.PathLike]) -> str:
    """Return a SHA-256 of the lengths and checksums of the records of TFRecord files.

    It is as good as one of their bytes, which need not be read.
    """
    found = hashlib.sha256()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_LENGTH + _CHECKSUM)
            while head:
                length = head[:_LENGTH]
                file.seek(int.from_bytes(length, "little"), os.SEEK_CUR)
                # At once: the checksum of this record, and the head of the next.
                behind = file.read(_CHECKSUM + _LENGTH + _CHECKSUM)
                found.update(length + behind[:_CHECKSUM])
                head = behind[_CHECKSUM:]
    return found.hexdigest()
