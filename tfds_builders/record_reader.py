"""Record files, read in order, by the numbers of records, or without them."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

_LENGTH, _CHECKSUM = 8, 4  # bytes; a record lies behind both, before a checksum of it


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


def by_number(
    paths: Sequence[str | os.PathLike],
) -> tuple[int, Callable[[tf.Tensor], tf.Tensor]]:
    """Return how many records TFRecord files hold, and what reads them.

    Args:
        paths: of the files, in order.

    Returns:
        Their number, and a graph: int64 scalar, a record's number -> its bytes, string.
    """
    offsets = [[offset for offset, _ in _heads(path)] for path in paths]
    counts = list(map(len, offsets))
    # Tensors that a graph captures are shared, not copied into it.
    names = tf.constant(list(map(os.fspath, paths)))
    file_of = tf.constant(np.repeat(np.arange(len(paths)), counts))
    offset_of = tf.constant(np.concatenate(offsets).astype(np.int64))

    def read_one(number):
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=[names[file_of[number]]],
            compression_type="",
            buffer_size=tf.constant(0, tf.int64),  # no more than the record
            byte_offsets=[offset_of[number]],
        )
        text = tf.TensorSpec([], tf.string)
        records = tf.data.experimental.from_variant(variant, text)
        return records.take(1).get_single_element()

    return sum(counts), read_one


def digest(paths: Iterable[os.PathLike]) -> str:
    """Return a SHA-256 of the lengths and checksums of the records of TFRecord files.

    It is as good as one of their bytes, which need not be read.
    """
    found = hashlib.sha256()
    for path in paths:
        for _, about in _heads(path):
            found.update(about)
    return found.hexdigest()


def _heads(path):
    """Yield the offset of each record, and its length and checksum as stored."""
    with open(path, "rb", buffering=0) as file:
        head = file.read(_LENGTH + _CHECKSUM)
        while head:
            length = head[:_LENGTH]
            begin = file.tell() - len(head)
            file.seek(int.from_bytes(length, "little"), os.SEEK_CUR)
            # At once: the checksum of this record, and the head of the next.
            behind = file.read(_CHECKSUM + _LENGTH + _CHECKSUM)
            yield begin, length + behind[:_CHECKSUM]
            head = behind[_CHECKSUM:]
