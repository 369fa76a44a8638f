"""The list of PIPA's heads: `index.txt`, also handed around as `all_data.txt`.

Source: datasets.md, PIPA.
"""

import pathlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tfds_builders import raw_data

PLACES = (
    *("annotations/index.txt", "index.txt"),
    *("annotations/all_data.txt", "all_data.txt"),
)
SUBSETS = ("leftover", "train", "validation", "test")  # by number
LEFTOVER, TRAIN, VALIDATION, TEST = range(4)
FOLDERS = ("leftover", "train", "val", "test")
_COLUMNS = "photoset photo xmin ymin width height identity subset"
_INT64 = np.iinfo(np.int64).max
_PIXELS = 1_000_000  # from the corner of a photo; more is a mistake


class Photo(NamedTuple):
    """The heads of one photo.

    Attributes:
        photoset, number: digits; the first album that has the photo, and its own.
        heads: int32 [N, 4], x y width height in pixels; may reach outside the photo.
        identity: int64 [N].
        subset: int64 [N], index in `SUBSETS`, of each head.
    """

    photoset: str
    number: str
    heads: np.ndarray
    identity: np.ndarray
    subset: np.ndarray

    @property
    def subset_of_photo(self) -> int:
        """Index in `SUBSETS`.

        A tenth of the photos have heads of two subsets, mostly left-over ones beside
        others. As all heads on a photo are to be hidden, it belongs to one subset as a
        whole, and to none where people of the test would be trained on.
        """
        return int(self.subset.max())

    @property
    def filename(self) -> str:
        """Where the photo lies in a whole copy."""
        folder = FOLDERS[self.subset_of_photo]
        return f"{folder}/{self.photoset}_{self.number}.jpg"


def read(path: pathlib.Path) -> list[Photo]:
    """Read the list.

    A photo may be in several albums, with other heads in each: all of them are on it.

    Raises:
        ValueError: with the line number, if it is not of this form, or empty.
    """
    albums, rows = {}, {}
    for number, line in enumerate(raw_data.read_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != len(_COLUMNS.split()):
            raise raw_data.malformed(path, number, _COLUMNS, line)
        raw_data.whole_numbers(words[:2], path, number, 0, _INT64)
        corner = raw_data.whole_numbers(words[2:4], path, number, -_PIXELS, _PIXELS)
        extent = raw_data.whole_numbers(words[4:6], path, number, 1, _PIXELS)
        identity = raw_data.whole_numbers(words[6:7], path, number, 0, _INT64)
        subset = raw_data.whole_numbers(words[7:], path, number, 0, len(SUBSETS) - 1)
        photoset, photo = words[:2]
        albums.setdefault(photo, photoset)
        head = (*corner, *extent, *identity, *subset)
        rows.setdefault(photo, {})[head] = None  # once, whatever the albums
    if not rows:
        raise ValueError(f"{path} lists no head; copy the file again")
    return [
        _photo(albums[number], number, np.array([*heads], np.int64))
        for number, heads in rows.items()
    ]


def _photo(photoset, number, rows):
    boxes, identity, subset = np.split(rows, [4, 5], axis=1)
    return Photo(photoset, number, boxes.astype(np.int32), identity[:, 0], subset[:, 0])


def to_text(photos: Iterable[Photo]) -> str:
    """Return what `read` reads."""
    rows = (
        (photo.photoset, photo.number, *head, identity, subset)
        for photo in photos
        for head, identity, subset in zip(
            photo.heads, photo.identity, photo.subset, strict=True
        )
    )
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)
