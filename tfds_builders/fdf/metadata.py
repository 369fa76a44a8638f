"""FDF's metadata: over a gigabyte of JSON, read entry by entry.

Source: datasets.md, FDF.
"""

import contextlib
import math
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import ijson
import numpy as np

FILE = "fdf_metainfo.json"
CATEGORIES = {"training": "train", "validation": "validation"}
TEXTS = {  # field -> what of an image it tells, in the record
    "license": "image/license",
    "license_url": "image/license_url",
    "author": "image/author",
    "photo_url": "image/url",
}
NUM_POINTS = 7
EXCHANGED = (0, 2, 1, 4, 3, 6, 5)  # points, with left and right exchanged
MAX_DIGITS = 7  # of an index: arrays by index stay small


class Entry(NamedTuple):
    """What is known of one image.

    Attributes:
        index: names the image, and is its row in arrays.
        split: `train` or `validation`.
        box: float64 [4], xmin ymin xmax ymax in sides of the image.
        points: float64 [7, 2], x y likewise, in the order of the file.
        texts: of `TEXTS`, by their fields.
    """

    index: int
    split: str
    box: np.ndarray
    points: np.ndarray
    texts: dict[str, str]


class Survey(NamedTuple):
    """What the entries are together.

    Attributes:
        is_training: bool [N], by index; of those that the file lacks it is false.
        listed: bool [N], whether the file has the index.
        exchanged: whether the points of the right side come before those of the left,
            which are the person's.
    """

    is_training: np.ndarray
    listed: np.ndarray
    exchanged: bool


def read(path: pathlib.Path, wanted: np.ndarray | None = None) -> Iterator[Entry]:
    """Yield the entries of the file, which is never in memory as a whole.

    Args:
        path: of the file.
        wanted: bool [N], by index, of a file that was surveyed; None: all.

    Raises:
        ValueError: naming the entry, if the file is not of its form.
    """
    if not path.is_file():
        raise ValueError(f"{path} must be a file; copy it again")
    with path.open("rb") as file:
        for key, value in _pairs(path, file):
            if wanted is not None and not wanted[int(key)]:
                continue
            with _naming(path, key):
                yield _entry(key, value)


def survey(path: pathlib.Path) -> Survey:
    """Read the file once, for what a build has to know before it begins.

    FDF's authors name the points of the right side first, DeepPrivacy reads those of
    the left first and was trained on FDF as it is; so the faces are asked. Most look
    into the camera, and have their left eye on the right of the image.

    Raises:
        ValueError: as `read`, and if an index comes twice or there is none.
    """
    numbers, training, votes = _Growing(np.int32), _Growing(np.bool_), 0
    for entry in read(path):
        numbers.append(entry.index)
        training.append(entry.split == CATEGORIES["training"])
        votes += np.sign(entry.points[1, 0] - entry.points[2, 0])
    index = numbers.array
    if not index.size:
        raise ValueError(f"{path} has no entry; copy it again")
    counts = np.bincount(index)
    if counts.max() > 1:
        raise ValueError(f"{path} has entry {counts.argmax()} twice; copy it again")
    is_training = np.zeros(counts.size, bool)
    is_training[index] = training.array
    return Survey(is_training, counts > 0, bool(votes < 0))


class _Growing:
    """An array that grows, without an object per number."""

    def __init__(self, dtype):
        self._room, self._size = np.zeros(1024, dtype), 0

    def append(self, value):
        if self._size == self._room.size:
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self._size] = value
        self._size += 1

    @property
    def array(self):
        return self._room[: self._size]


def _pairs(path, file):
    try:
        yield from ijson.kvitems(file, "", use_float=True)
    except (ijson.JSONError, ValueError) as error:
        raise ValueError(
            f"{path} must be JSON with an entry per image; it is not: "
            f"{' '.join(str(error).split())[:120]}; copy it again"
        ) from error


@contextlib.contextmanager
def _naming(path, key):
    try:
        yield
    except _EntryError as error:
        raise ValueError(
            f"{path}, entry {key[:20]!r}: {error}; copy the file again"
        ) from None


class _EntryError(Exception):
    """Says what is wrong with an entry."""


def _entry(key, value):
    if not (key.isascii() and key.isdecimal() and len(key) <= MAX_DIGITS):
        raise _EntryError(f"the index must have up to {MAX_DIGITS} digits")
    if not isinstance(value, dict):
        raise _EntryError("it must be a group of fields")
    category = value.get("category")
    if not isinstance(category, str) or category not in CATEGORIES:
        raise _EntryError(f"category must be one of {', '.join(CATEGORIES)}")
    return Entry(
        int(key),
        CATEGORIES[category],
        _numbers(value, "bounding_box", (4,)),
        _numbers(value, "landmark", (NUM_POINTS, 2)),
        {field: _text(value, field) for field in TEXTS},
    )


def _numbers(value: dict[str, Any], field: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.array(value.get(field), np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.array(np.nan)
    if array.size == math.prod(shape):
        array = array.reshape(shape)
    if array.shape != shape or not (np.abs(array) < 1e4).all():
        sizes = " x ".join(map(str, shape))
        raise _EntryError(f"{field} must be {sizes} numbers in sides of the image")
    return array


def _text(value, field):
    text = value.get(field, "")
    if not isinstance(text, str):
        raise _EntryError(f"{field} must be a text")
    return text
