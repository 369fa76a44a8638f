"""Boxes of faces on a user's own photos: WIDER FACE text, COCO JSON or CSV."""

import csv
import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfds_builders.widerface import annotations

CSV_COLUMNS = ("filename", "x", "y", "width", "height")
BOM = "\ufeff"  # Excel and Notepad begin a file with it


class PhotoBoxes(NamedTuple):
    """The faces of one photo.

    Attributes:
        filename: relative to the folder of the photos, with forward slashes; of the
            many spellings of a path (`./a//b.png`) the shortest.
        boxes: float64 [N, 4], x y width height in pixels.
        size: width and height of the photo in pixels, where the file tells them.
    """

    filename: str
    boxes: np.ndarray
    size: tuple[int, int] | None = None


def read(path: pathlib.Path) -> list[PhotoBoxes]:
    """Read the boxes of photos.

    By the name of the file: `.txt` as WIDER FACE has them, `.json` as COCO, `.csv` with
    the columns filename, x, y, width, height and a row per face; a row with nothing but
    a file name is a photo without faces.

    Raises:
        ValueError: naming the place, if the file is not of its form, names a photo
            twice or one outside the folder, or has a box without an area.
    """
    readers = {".txt": _read_wider, ".json": _read_coco, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"--annotations must be a file {', '.join(readers)}; got {path.name}"
        )
    if not path.is_file():
        raise ValueError(f"--annotations: {path} is not there")
    photos = _readable(reader, path)
    if not photos:
        raise ValueError(f"--annotations: {path} names no photo")
    _check_pixels(path, photos)
    names = set()
    for photo in photos:
        _check_photo(path, photo)
        if photo.filename in names:
            raise ValueError(f"{path} names {photo.filename} twice; join its faces")
        names.add(photo.filename)
    return photos


def _readable(reader, path):
    """Return what a reader makes of a file, names in one spelling."""
    try:
        photos = reader(path)
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
    return [photo._replace(filename=_spelled(photo.filename)) for photo in photos]


def _spelled(filename):
    """Return the one spelling by which a photo counts; nothing stays nothing."""
    return str(pathlib.PurePosixPath(filename)) if filename else ""


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
    extents = [box for photo in photos for box in photo.boxes]
    if extents and np.max(extents) <= 1:
        raise ValueError(
            f"{path} must have boxes in pixels; all are at most 1: relative to the "
            "photo? multiply them by its width and height"
        )


def _read_wider(path):
    return [
        PhotoBoxes(
            photo.filename.removeprefix(BOM), photo.rows[:, :4].astype(np.float64)
        )
        for photo in annotations.read_boxes(path)
    ]


def _read_coco(path):
    text = path.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text)
        boxes = {image["id"]: [] for image in content["images"]}
        for annotation in content["annotations"]:
            boxes[annotation["image_id"]].append(_four_numbers(annotation["bbox"]))
        return [
            PhotoBoxes(
                _text(image["file_name"]),
                np.array(boxes[image["id"]], np.float64).reshape(-1, 4),
                (image["width"], image["height"]) if "width" in image else None,
            )
            for image in content["images"]
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} must be COCO JSON with images (id, file_name) and annotations "
            f"(image_id, bbox of four numbers); it is not: {error!r}"
        ) from error


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"file_name {value!r}")
    return value


def _four_numbers(bbox):
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise ValueError(f"bbox {bbox!r}")
    return [float(number) for number in bbox]


def _read_csv(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        missing = set(CSV_COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise ValueError(
                f"{path} must have the columns {', '.join(CSV_COLUMNS)}; missing: "
                f"{', '.join(sorted(missing))}"
            )
        boxes = {}
        for row in rows:
            if any(row.get(None, ())):  # the rest of a row, as of 1,5 for 1.5
                raise ValueError(
                    f"{path}, line {rows.line_num}: expected {len(rows.fieldnames)} "
                    f"values, got {len(rows.fieldnames) + len(row[None])}; decimals "
                    "are written with a point"
                )
            of_photo = boxes.setdefault(_spelled(row["filename"]), [])
            values = [row[name] for name in CSV_COLUMNS[1:]]
            if any(values):
                of_photo.append(_numbers(values, path, rows.line_num))
    return [
        PhotoBoxes(name, np.array(of_photo, np.float64).reshape(-1, 4))
        for name, of_photo in boxes.items()
    ]


def _numbers(values, path, line):
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        raise ValueError(
            f"{path}, line {line}: x, y, width and height must be numbers; got {values}"
        ) from None
