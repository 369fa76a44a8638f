"""What every format of annotations is read as."""

import pathlib
from typing import NamedTuple

import numpy as np


class PhotoBoxes(NamedTuple):
    """The faces of one photo.

    Attributes:
        filename: relative to the folder of the photos, with forward slashes; see
            `spelled`.
        boxes: float64 [N, 4], x y width height in pixels.
        size: width and height of the photo in pixels, where the file tells them.
        identities: whose face each is, None where that is not told; empty where it is
            told of none.
    """

    filename: str
    boxes: np.ndarray
    size: tuple[int, int] | None = None
    identities: tuple[str | None, ...] = ()


def spelled(filename: str) -> str:
    """Return the shortest of the many spellings of a path (`./a//b.png`)."""
    return str(pathlib.PurePosixPath(filename)) if filename else ""
