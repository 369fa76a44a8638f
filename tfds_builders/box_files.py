"""Boxes of faces on a user's own photos: WIDER FACE text, COCO JSON or CSV."""

import csv
import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfds_builders.widerface import annotations

CSV_COLUMNS = ("filename", "x", "y", "width", "height")


class PhotoBoxes(NamedTuple):
    """The faces of one photo.

    Attributes:
        filename: relative to the folder of the photos, with forward slashes.
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
            twice or one outside the folder, or has a box that is not finite.
    """
    readers = {".txt": _read_wider, ".json": _read_coco, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"--annotations must be a file {', '.join(readers)}; got {path.name}"
        )
    if not path.is_file():
        raise ValueError(f"--annotations: {path} is not there")
    photos = reader(path)
    if not photos:
        raise ValueError(f"--annotations: {path} names no photo")
    _check_pixels(path, photos)
    names = set()
    for photo in photos:
        parts = pathlib.PurePosixPath(photo.filename)
        if parts.is_absolute() or ".." in parts.parts or not photo.filename:
            raise ValueError(
                f"{path} must name photos inside the folder; got {photo.filename!r}"
            )
        if photo.filename in names:
            raise ValueError(f"{path} names {photo.filename} twice; join its faces")
        names.add(photo.filename)
        if not np.isfinite(photo.boxes).all():
            raise ValueError(f"{path}: a box of {photo.filename} is not finite")
    return photos


def _check_pixels(path, photos):
    extents = [box for photo in photos for box in photo.boxes]
    if extents and np.max(extents) <= 1:
        raise ValueError(
            f"{path} must have boxes in pixels; all are at most 1: relative to the "
            "photo? multiply them by its width and height"
        )


def _read_wider(path):
    return [
        PhotoBoxes(photo.filename, photo.rows[:, :4].astype(np.float64))
        for photo in annotations.read_boxes(path)
    ]


def _read_coco(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        boxes = {image["id"]: [] for image in content["images"]}
        for annotation in content["annotations"]:
            boxes[annotation["image_id"]].append(annotation["bbox"])
        return [
            PhotoBoxes(
                image["file_name"],
                np.array(boxes[image["id"]], np.float64).reshape(-1, 4),
                (image["width"], image["height"]) if "width" in image else None,
            )
            for image in content["images"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must be COCO JSON with images (id, file_name) and annotations "
            f"(image_id, bbox of four numbers); it is not: {error!r}"
        ) from error


def _read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = set(CSV_COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise ValueError(
                f"{path} must have the columns {', '.join(CSV_COLUMNS)}; missing: "
                f"{', '.join(sorted(missing))}"
            )
        boxes = {}
        for row in rows:
            of_photo = boxes.setdefault(row["filename"], [])
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
