"""Images and arrays of FDF, by index.

Source: datasets.md, FDF.
"""

import hashlib
import os
import pathlib
import re
import zlib

import numpy as np

from safefakes_tf.importers import torch_files
from tfds_builders.fdf import metadata

LANDMARKS = "landmarks.npy"
_IMAGE = re.compile(rf"([0-9]{{1,{metadata.MAX_DIGITS}}})\.png")
_END = 2**20  # bytes at both ends of a file that tell one from another
_LARGEST = 1e4  # in sides of an image, or px of one; more is a mistake


def boxes_name(size: int) -> str:
    """Return where the boxes on images of a size, px, lie below the folder."""
    return f"bounding_box/{size}.torch"


def images_name(size: int) -> str:
    """Return where the images of a size, px, lie below the folder."""
    return f"images/{size}"


def present(images: pathlib.Path, count: int) -> np.ndarray:
    """Return bool [count]: whether there is an image of each index in a folder."""
    here = np.zeros(count, bool)
    with os.scandir(images) as entries:
        for entry in entries:
            match = _IMAGE.fullmatch(entry.name)
            if match and int(match[1]) < count:
                here[int(match[1])] = True
    return here


def read_landmarks(folder: pathlib.Path, count: int) -> np.ndarray | None:
    """Return `landmarks.npy`, which stays on the disk.

    Args:
        folder: of FDF.
        count: rows that are needed.

    Returns:
        Floating point [N, 7, 2], x y in sides of the image; None without the file.

    Raises:
        ValueError: if it is no such array.
    """
    path = folder / LANDMARKS
    if not path.is_file():
        return None
    try:
        array = np.lib.format.open_memmap(path, "r")
        array = array.reshape(len(array), metadata.NUM_POINTS, 2)
        if array.dtype.kind != "f":
            raise ValueError(f"its type is {array.dtype}")
    except Exception as error:  # a broken header can fail in any way
        reason = " ".join(str(error).split())[:120]
        raise ValueError(
            f"{path} must be an array of floating point numbers, [N, 14] or [N, 7, 2]; "
            f"it is not: {reason}; copy the file again"
        ) from error
    return _checked(path, array, count)


def read_boxes(folder: pathlib.Path, size: int, count: int) -> np.ndarray | None:
    """Return the boxes of images of a size, px, from PyTorch's file.

    Args:
        folder: of FDF.
        size: of the images, px.
        count: rows that are needed.

    Returns:
        Integers [N, 4], xmin ymin xmax ymax in pixels; None without the file.

    Raises:
        ValueError: if it is no such array, or names what runs code.
    """
    path = folder / boxes_name(size)
    if not path.is_file():
        return None
    array = torch_files.read(path)
    known = isinstance(array, np.ndarray) and array.dtype.kind in "iu"
    if not known or array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{path} must be a tensor of integers [N, 4]; copy it again")
    return _checked(path, array, count)


def _checked(path, array, count):
    if len(array) < count:
        raise ValueError(
            f"{path} has {len(array)} rows, and {metadata.FILE} goes up to index "
            f"{count - 1}; take both from one copy"
        )
    for start in range(0, len(array), _END):  # never as a whole in memory
        if not (np.abs(array[start : start + _END]) < _LARGEST).all():
            raise ValueError(
                f"{path} has a number that is not finite, or too large; copy it again"
            )
    return array


def digest(folder: pathlib.Path, size: int) -> str | None:
    """Return a SHA-256 of what a folder has of FDF; None if there is none.

    Files of gigabytes enter with their sizes and both ends, images with their indices:
    that takes a second or two, and tells copies of other licences apart.
    """
    if not (folder / metadata.FILE).is_file():
        return None
    names = (metadata.FILE, LANDMARKS, boxes_name(size))
    found = [_ends(folder / name) for name in names if (folder / name).is_file()]
    images = folder / images_name(size)
    if images.is_dir():
        here = np.flatnonzero(present(images, 10**metadata.MAX_DIGITS))
        found.append(hashlib.sha256(here.tobytes()).hexdigest())
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _ends(path):
    with path.open("rb") as file:
        start = file.read(_END)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END, 0))
        return f"{path.name} {size} {zlib.crc32(file.read(), zlib.crc32(start))}"
