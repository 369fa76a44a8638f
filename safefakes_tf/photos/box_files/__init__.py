"""Boxes of faces on a user's own photos, in one of several formats."""

import collections
import csv
import pathlib

import numpy as np

from safefakes_tf.photos.box_files import coco, csv_table, wider
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes, spelled

READERS = {".txt": wider.read, ".json": coco.read, ".csv": csv_table.read}


def load(path: pathlib.Path) -> tuple[bytes, list[PhotoBoxes]]:
    """Read the boxes of photos.

    By the name of the file: `.txt` as WIDER FACE has them, `.json` as COCO, `.csv` as a
    table; see the modules here.

    Returns:
        The file's bytes, and what they say.

    Raises:
        ValueError: naming the place, if the file is not of its form, names a photo
            twice or one outside the folder, or has a box without an area.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"--annotations must be a file {', '.join(READERS)}; got {path.name}"
        )
    if not path.is_file():
        raise ValueError(f"--annotations: {path} is not there")
    content, photos = _readable(reader, path)
    if not photos:
        raise ValueError(f"--annotations: {path} names no photo")
    _check_pixels(path, photos)
    for photo in photos:
        _check_photo(path, photo)
    for name, count in collections.Counter(photo.filename for photo in photos).items():
        if count > 1:
            raise ValueError(f"{path} names {name} twice; join its faces")
    return content, photos


def _readable(reader, path):
    try:
        content = path.read_bytes()
        photos = reader(path, content)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8; got {error.reason} at byte {error.start}; "
            "save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise ValueError(f"{path} must be a CSV table; it is not: {error}") from error
    except OverflowError as error:
        raise ValueError(f"{path} has a number that is too large: {error}") from error
    except OSError as error:
        raise ValueError(f"{path} must be readable; it is not: {error}") from error
    named = [photo._replace(filename=spelled(photo.filename)) for photo in photos]
    return content, named


def _check_photo(path, photo):
    parts = pathlib.PurePosixPath(photo.filename)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ValueError(
            f"{path} must name photos inside the folder; got {photo.filename!r}"
        )
    if not np.isfinite(photo.boxes).all():
        raise ValueError(f"{path}: a box of {photo.filename} is not finite")
    empty = (photo.boxes[:, 2:] <= 0).any(axis=1)
    if empty.any():  # somebody saw a face there, and it would stay
        raise ValueError(
            f"{path}: boxes must have a width and a height above 0; got "
            f"{photo.boxes[empty][0].tolist()} of {photo.filename}; correct it, or "
            "take it out"
        )


def _check_pixels(path, photos):
    boxes = np.concatenate([photo.boxes for photo in photos])
    if boxes.size and boxes.max() <= 1:
        raise ValueError(
            f"{path} must have boxes in pixels; all are at most 1: relative to the "
            "photo? multiply them by its width and height"
        )
