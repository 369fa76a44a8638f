"""Landmark maps: outline, nose and lips of a face, drawn from its keypoints.

Source: ciagan.md, section 6.
"""

import itertools

import tensorflow as tf

from safefakes_tf.ops import drawing

HEIGHT, WIDTH = 218, 178  # px of the canvas
OUTLINE = range(17)
LINES = (OUTLINE, range(27, 31), (*range(60, 68), 60))  # outline, nose, inner lips

_SEGMENTS = [pair for line in LINES for pair in itertools.pairwise(line)]


def draw(points: tf.Tensor) -> tf.Tensor:
    """Draw outline, nose and lips of a face, uint8 [218, 178, 3]: blue on white.

    Args:
        points: int32 [68, 2], x y on the canvas.
    """
    starts, ends = (tf.gather(points, part) for part in zip(*_SEGMENTS, strict=True))
    lines = drawing.lines_mask(starts, ends, HEIGHT, WIDTH)[..., tf.newaxis]
    return tf.where(
        lines, tf.constant([0, 0, 255], tf.uint8), tf.constant(255, tf.uint8)
    )
