"""COCO's run-length encoded masks: the rectangle around one.

Numbers of pixels, column after column from the upper left, in turn outside and inside.
A text has them in groups of five bits, and from the third on as the difference to the
last but one.

Source: annotations.md, section 3.
"""

from collections.abc import Mapping
from typing import Any

from safefakes_tf.photos.box_files import rectangles

MOST_BITS = 64  # of a number


def around(mask: Mapping[str, Any]) -> rectangles.Box:
    """Return the rectangle around the pixels of a mask.

    Args:
        mask: `size`, height and width in pixels, and `counts`, a list or a text.

    Raises:
        ValueError: if the counts do not fill the mask, or no pixel is inside.
    """
    height, width = map(int, mask["size"])
    counts = mask["counts"]
    counts = _decoded(counts) if isinstance(counts, str) else list(map(int, counts))
    if min(counts, default=-1) < 0 or sum(counts) != height * width:
        raise ValueError(f"expected runs of {height} x {width} pixels in the mask")
    corners, start = [], 0
    for number, count in enumerate(counts):
        if number % 2 and count:
            (x, y), (far_x, far_y) = (
                divmod(pixel, height) for pixel in (start, start + count - 1)
            )
            if x != far_x:  # a run over a column's end touches both borders
                y, far_y = 0, height - 1
            corners += [(x, y), (far_x + 1, far_y + 1)]
        start += count
    return rectangles.around(corners)


def _decoded(text):
    counts, value, shift = [], 0, 0
    for letter in text:
        group = ord(letter) - 48
        if not 0 <= group < 64 or shift > MOST_BITS:
            raise ValueError(f"expected a mask's runs; got the letter {letter!r}")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:  # the last group of a number; its highest bit is the sign
            value -= (group >> 4 & 1) << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value, shift = 0, 0
    return counts
