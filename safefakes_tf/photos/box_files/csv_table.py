"""Boxes as a CSV table."""

import csv
import io
import pathlib

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes, spelled

COLUMNS = ("filename", "x", "y", "width", "height")


def read(path: pathlib.Path, content: bytes) -> list[PhotoBoxes]:
    """Read a table with the columns `COLUMNS` and a row per face.

    A row with nothing but a file name is a photo without faces. `path` is for messages.

    Raises:
        ValueError: with the line number, if the file is not of this form.
    """
    with io.StringIO(content.decode("utf-8-sig"), newline="") as file:
        rows = csv.DictReader(file)
        missing = set(COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise ValueError(
                f"{path} must have the columns {', '.join(COLUMNS)}; missing: "
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
            of_photo = boxes.setdefault(spelled(row["filename"]), [])
            values = [row[name] for name in COLUMNS[1:]]
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
