"""Boxes as COCO JSON: images (id, file_name) and annotations (image_id, bbox)."""

import json
import pathlib
from collections.abc import Iterable

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes


def read(path: pathlib.Path, content: bytes) -> list[PhotoBoxes]:
    """Read COCO JSON, `content`; `path` is for messages.

    Raises:
        ValueError: if the file is not of this form.
    """
    text = content.decode("utf-8-sig")
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


def to_text(photos: Iterable[PhotoBoxes]) -> str:
    """Return what `read` reads: one category, `face`; photos with sizes."""
    images, annotations = [], []
    for number, photo in enumerate(photos, start=1):
        width, height = photo.size
        about = {"file_name": photo.filename, "width": width, "height": height}
        images.append({"id": number, **about})
        for box in photo.boxes.tolist():
            face = {"bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            key = {"id": len(annotations) + 1, "image_id": number, "category_id": 1}
            annotations.append({**key, **face})
    categories = [{"id": 1, "name": "face"}]
    return json.dumps(
        {"images": images, "annotations": annotations, "categories": categories}
    )


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"file_name {value!r}")
    return value


def _four_numbers(bbox):
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise ValueError(f"bbox {bbox!r}")
    return [float(number) for number in bbox]
