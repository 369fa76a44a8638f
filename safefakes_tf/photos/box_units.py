"""In which unit boxes are: pixels of the photo, or shares of it.

Source: annotations.md, section 4.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import UNITS, PhotoBoxes

WORDS = {
    "pixels": "in pixels",
    "relative": "relative to the photo",
    "percent": "in percent of the photo",
}
WHOLE = {"relative": 1, "percent": 100}  # what the whole width or height is
# Boxes in pixels that all end so near the corner are no faces.
LARGEST_RELATIVE = 2
# The upper left 100 x 100 px of photos: part of one of them, and product over all,
# below which it is unlikely that all faces lie there.
LEAST_PART, LEAST_CHANCE = 0.1, 0.01
DECIMALS = 2  # of a pixel; shares are written with about as many digits


def in_pixels(
    listed: Sequence[PhotoBoxes],
    sizes: Mapping[str, tuple[int, int]],
    unit: str | None = None,
) -> list[PhotoBoxes]:
    """Return boxes in pixels of their photos.

    Args:
        listed: all photos, their boxes in the unit of their format.
        sizes: height and width of each as viewers show it, by its name.
        unit: of all boxes, if it is known to be another than that of the format: one of
            `UNITS`. Then sizes that the annotations tell are passed over, unless the
            photo was lying when it was annotated.

    Raises:
        ValueError: if the boxes look as if they had another unit, and `unit` is None.
    """
    if unit is None:
        _check(listed, sizes)
    return [_converted(photo, sizes[photo.filename], unit) for photo in listed]


def _converted(photo, size, unit):
    height, width = size
    if unit is not None and photo.size != (height, width):
        photo = photo._replace(size=None)
    unit = unit or photo.unit
    if unit == "pixels":
        return photo._replace(unit=unit)
    scale = np.array([width, height] * 2) / WHOLE[unit]
    boxes = np.round(photo.boxes * scale, DECIMALS)
    # They fit no other size: the photo may be replaced until it is decoded.
    told = photo.size or (width, height)
    return photo._replace(boxes=boxes, unit="pixels", size=told)


def _check(listed, sizes):
    """Refuse boxes whose numbers are those of another unit."""
    for unit in UNITS:
        photos = [
            photo for photo in listed if photo.unit == unit and len(photo.boxes) > 0
        ]
        if not photos:
            continue
        likely = _likely(unit, photos, [sizes[photo.filename] for photo in photos])
        if likely:
            raise ValueError(
                f"boxes must be {WORDS[unit]}; {likely[1]}: {likely[0]}? Say "
                f"which with --box_units={likely[0]} or --box_units={unit}"
            )


def _likely(unit, photos, sizes):
    """Return the unit that boxes seem to have, and why; None if they seem right."""
    ends = [(photo.boxes[:, :2] + photo.boxes[:, 2:]).max() for photo in photos]
    farthest = max(ends)
    # Of a photo as small as that, pixels end there, too.
    large = (
        (end, photo.filename)
        for end, photo, size in zip(ends, photos, sizes, strict=True)
        if max(size) > LARGEST_RELATIVE
    )
    nearest, name = min(large, default=(math.inf, None))
    corner = WHOLE["percent"] ** 2
    parts = [min(1, corner / (height * width)) for height, width in sizes]
    unlikely = min(parts) < LEAST_PART or math.prod(parts) < LEAST_CHANCE
    if unit != "relative" and nearest <= LARGEST_RELATIVE:  # files may be joined
        return "relative", f"all boxes of {name} end below {LARGEST_RELATIVE}"
    if unit == "pixels" and farthest <= WHOLE["percent"] and unlikely:
        return "percent", "all boxes end below 100, though photos are larger"
    if unit != "pixels" and farthest > LARGEST_RELATIVE * WHOLE[unit]:
        return "pixels", f"a box ends at {farthest:g}"
    return None
