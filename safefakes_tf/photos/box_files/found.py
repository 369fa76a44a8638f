"""Boxes of faces as COCO JSON: found ones, which a person can correct, or annotated.

Source: the data format of the COCO data set (Lin et al., 2014), object detection.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

CATEGORY = {"id": 1, "name": "face"}


class FoundPhoto(NamedTuple):
    """A photo with N faces.

    Attributes:
        filename: relative to the folder of the photos, with forward slashes.
        size: width and height in pixels, as viewers show it.
        boxes: N lists x, y, width, height in pixels.
        scores: N numbers from 0 to 1; None of faces that were not found but annotated.
    """

    filename: str
    size: tuple[int, int]
    boxes: list[list[int]]
    scores: list[float] | None = None


def to_json(photos: Iterable[FoundPhoto]) -> str:
    """Return COCO JSON, with the scores that there are; `coco.read` reads it."""
    images, annotations = [], []
    for number, photo in enumerate(photos, start=1):
        width, height = photo.size
        about = {"file_name": photo.filename, "width": width, "height": height}
        images.append({"id": number, **about})
        for face, box in enumerate(photo.boxes):
            annotation = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": CATEGORY["id"],
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            if photo.scores is not None:
                annotation["score"] = photo.scores[face]
            annotations.append(annotation)
    content = {"images": images, "annotations": annotations, "categories": [CATEGORY]}
    lists = (f'"{key}": [\n{_lines(rows)}\n]' for key, rows in content.items())
    return "{\n" + ",\n".join(lists) + "\n}\n"


def _lines(rows):
    """Return a line of JSON per row, for a person; `json` indents every number."""
    return ",\n".join(map(json.dumps, rows))
