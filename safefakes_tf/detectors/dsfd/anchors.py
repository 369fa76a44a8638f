"""The anchors of DSFD: squares of one size per level of the feature pyramid.

Source: dsfd.md, section 6.
"""

import tensorflow as tf

FIRST_SHOT, SECOND_SHOT = "first_shot", "second_shot"
SHOTS = (FIRST_SHOT, SECOND_SHOT)
STRIDES = (4, 8, 16, 32, 64, 128)

ANCHOR_SIZES = {  # side in pixels, by level
    FIRST_SHOT: (8, 16, 32, 64, 128, 256),
    SECOND_SHOT: (16, 32, 64, 128, 256, 512),
}

MIN_SIDE = 28  # px; below, the last maps of the backbone are empty


def feature_map_sizes(
    height: int | tf.Tensor, width: int | tf.Tensor
) -> list[tuple[int | tf.Tensor, int | tf.Tensor]]:
    """Return the (height, width) of the six levels for a photo.

    Args:
        height, width: of the photo in pixels; ints or int32 scalars.

    Source: dsfd.md, section 4.1.
    """
    return list(zip(_level_sides(height), _level_sides(width), strict=True))


def _level_sides(side) -> list:
    first = side // 2 // 2
    second = (first + 1) // 2
    third = second // 2
    fourth = third // 2
    fifth = (fourth + 1) // 2
    return [first, second, third, fourth, fifth, (fifth + 1) // 2]


def anchors(
    height: int | tf.Tensor, width: int | tf.Tensor, shot: str, ratio: float = 1.0
) -> tf.Tensor:
    """Return the anchor boxes of one shot for photos of one size.

    Args:
        height, width: of the photo in pixels; ints or int32 scalars.
        shot: "first_shot" or "second_shot".
        ratio: height / width of an anchor; its area stays the same.

    Returns:
        float32 [P, 4]: centre x, centre y, width, height, relative to the photo, not
        clipped, by level, row and column.

    Raises:
        ValueError: if there is no such shot.

    Source: DSFD, section 3.4; dsfd.md, section 5.
    """
    if shot not in ANCHOR_SIZES:
        raise ValueError(f"shot must be one of {', '.join(SHOTS)}; got {shot!r}")
    # float64 in this order of operations, rounded once: bit-equal to the reference.
    high, wide = tf.cast(height, tf.float64), tf.cast(width, tf.float64)
    levels = []
    for (rows, columns), stride, size in zip(
        feature_map_sizes(height, width), STRIDES, ANCHOR_SIZES[shot], strict=True
    ):
        cx = (tf.cast(tf.range(columns), tf.float64) + 0.5) / (wide / stride)
        cy = (tf.cast(tf.range(rows), tf.float64) + 0.5) / (high / stride)
        cy, cx = tf.meshgrid(cy, cx, indexing="ij")
        w = size / wide / ratio**0.5
        h = size / high * ratio**0.5
        centres = tf.stack([cx, cy], axis=-1)
        sizes = tf.broadcast_to(tf.stack([w, h]), tf.shape(centres))
        levels.append(tf.reshape(tf.concat([centres, sizes], axis=-1), [-1, 4]))
    return tf.cast(tf.concat(levels, axis=0), tf.float32)
