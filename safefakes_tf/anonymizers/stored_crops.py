"""Faces that were cut out of photos once, to be read one by one for trainings.

A record of a crop is that of its photo with another `image`, and with the faces alone
that it shows, its own first. Their coordinates stay those of the photo, so that a
training computes what it would from the photo.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from safefakes_tf import faces

REGION = "crop/region"  # int32 [4], top, left, bottom, right in pixels of the photo
PHOTO_SIZE = "crop/photo_size"  # int32 [2], height and width of the photo, px
FACE = "crop/face"  # int64, number of the crop's own face on the photo
AT_ONCE = 32  # crops that one call of Python reads
_READERS = 2  # such calls at a time


class Crop(NamedTuple):
    """A face that was cut out.

    Attributes:
        encoded: a PNG file.
        region: int32 [4], as of `REGION`.
        faces: int64 [K], numbers of the faces that it shows, its own first.
    """

    encoded: bytes
    region: np.ndarray
    faces: np.ndarray


class Cutter(NamedTuple):
    """How a method cuts faces out.

    Attributes:
        name: tells crops that are cut in one way from others.
        options: all that the crops depend on beside the photos.
        wanted: which faces are cut out, as the end of a sentence.
        cut: records of photos -> each of them, the photo decoded, and its crops.
    """

    name: str
    options: dict[str, Any]
    wanted: str
    cut: Callable[[tf.data.Dataset], Iterator[tuple[faces.Record, list[Crop]]]]


class StoredCrops(NamedTuple):
    """The crops of a data set, N of them, by their numbers.

    Attributes:
        photo: int64 [N], number of the photo, ascending.
        identity: int64 [N], of the own face; -1 where unknown.
        complete: layout -> bool [N], whether all its keypoints of the own face are
            known.
        read: numbers, int64 [M] -> object [M], the bytes of records.
        parse: string scalar, a record's bytes -> the record, a graph; `image` is a PNG
            file.
    """

    photo: np.ndarray
    identity: np.ndarray
    complete: dict[str, np.ndarray]
    read: Callable[[np.ndarray], np.ndarray]
    parse: Callable[[tf.Tensor], faces.Record]

    def records(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the bytes of records, string [M], in a graph.

        Args:
            numbers: int64 [M], of crops.
        """
        return tf.ensure_shape(
            tf.numpy_function(self.read, [numbers], tf.string, stateful=False), [None]
        )

    def fetched(self, numbered: tf.data.Dataset) -> tf.data.Dataset:
        """Return pairs of an index and the bytes of a record, for those of its number.

        Args:
            numbered: pairs of an index and the number of a crop, int64 scalars.
        """

        def fetch(indices, numbers):
            return indices, self.records(numbers)

        chunks = numbered.batch(AT_ONCE)
        return chunks.map(fetch, _READERS, deterministic=True).unbatch()
