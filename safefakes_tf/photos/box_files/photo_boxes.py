"""What every format of annotations is read as."""

import hashlib
import json
import pathlib
from typing import NamedTuple

import numpy as np

UNITS = ("pixels", "relative", "percent")


class PhotoBoxes(NamedTuple):
    """The faces of one photo.

    Attributes:
        filename: relative to the folder of the photos, with forward slashes; see
            `spelled`.
        boxes: float64 [N, 4], x y width height, in `unit`.
        size: width and height of the photo in pixels, where the file tells them.
        unit: one of `UNITS`; all but pixels are shares of the photo's width and height.
        regions: which of the boxes are regions of many faces, by their numbers.
        identities: whose face each is, None where that is not told; may be empty where
            it is told of none.
    """

    filename: str
    boxes: np.ndarray
    size: tuple[int, int] | None = None
    unit: str = "pixels"
    regions: tuple[int, ...] = ()
    identities: tuple[str | None, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256, in hex digits, of all that is told of the photo."""
        told = self._replace(boxes=self.boxes.tolist())
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def spelled(filename: str) -> str:
    """Return the shortest of the many spellings of a path (`./a//b.png`)."""
    return str(pathlib.PurePosixPath(filename)) if filename else ""


def is_inside(filename: str) -> bool:
    """Tell whether a name with forward slashes leads nowhere but into its folder."""
    path = pathlib.PurePosixPath(filename)
    return not path.is_absolute() and ".." not in path.parts


def is_text(filename: str) -> bool:
    """Tell whether a name is UTF-8; of files Python reads any bytes as a name."""
    try:
        filename.encode()
    except UnicodeEncodeError:
        return False
    return True
