"""Lines and filled polygons, pixel for pixel as OpenCV draws them, as TensorFlow ops.

Points are int32, x y in pixels; they may lie outside the picture.
"""

import tensorflow as tf


def lines_mask(
    starts: tf.Tensor, ends: tf.Tensor, height: tf.Tensor, width: tf.Tensor
) -> tf.Tensor:
    """Return bool [height, width], true on lines of one pixel, without antialiasing.

    Args:
        starts, ends: int32 [N, 2], x y, N >= 1.
        height, width: int32 scalars.

    Source: "Algorithm for computer control of a digital plotter" (Bresenham, 1965);
    which way a tie goes, and how lines are clipped, as of OpenCV's `line`.
    """
    starts, ends, visible = _clipped(starts, ends, height, width)
    leftward = ends[:, :1] < starts[:, :1]
    starts, ends = tf.where(leftward, ends, starts), tf.where(leftward, starts, ends)
    way = tf.sign(ends - starts)[:, tf.newaxis]
    size = tf.abs(ends - starts)
    longer, shorter = tf.reduce_max(size, 1)[:, tf.newaxis], tf.reduce_min(size, 1)
    along = tf.range(tf.reduce_max(longer) + 1)[tf.newaxis]
    # Rounded to nearest, halves down.
    aside = (longer - 2 * shorter[:, tf.newaxis] * along) // (2 * tf.maximum(longer, 1))
    along = tf.broadcast_to(along, tf.shape(aside))
    steep = (size[:, 1] > size[:, 0])[:, tf.newaxis, tf.newaxis]
    moves = tf.where(
        steep, tf.stack([-aside, along], axis=2), tf.stack([along, -aside], axis=2)
    )
    pixels = (starts[:, tf.newaxis] + way * moves)[..., ::-1]
    pixels = tf.boolean_mask(pixels, (along <= longer) & visible[:, tf.newaxis])
    return _count(pixels, height, width) > 0


def polygon_mask(corners: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Return bool [height, width], true in a polygon and on its edges.

    Args:
        corners: int32 [N, 2], x y, N >= 3, in either direction.
        height, width: int32 scalars.

    Source: even-odd rule; edges belong to the polygon as of OpenCV's `fillPoly`, which
    moves edges that leave the picture by up to a pixel. Here they stay.
    """
    ends = tf.roll(corners, -1, axis=0)
    (x, y), (end_x, end_y) = (tf.unstack(p, axis=1) for p in (corners, ends))
    rows = tf.range(height)[:, tf.newaxis]
    crossed = (rows >= tf.minimum(y, end_y)) & (rows < tf.maximum(y, end_y))
    run, rise = (tf.cast(size, tf.float64) for size in (end_x - x, end_y - y))
    slope = tf.math.divide_no_nan(run, rise)
    crossings = tf.cast(x, tf.float64) + tf.cast(rows - y, tf.float64) * slope
    columns = tf.clip_by_value(tf.math.ceil(crossings), 0, tf.cast(width, tf.float64))
    columns = tf.cast(columns, tf.int32)
    places = tf.stack([tf.broadcast_to(rows, tf.shape(columns)), columns], axis=2)
    starts = _count(tf.boolean_mask(places, crossed), height, width + 1)
    inside = tf.cumsum(starts, axis=1)[:, :-1] % 2 == 1
    return inside | lines_mask(corners, ends, height, width)


def _count(places, height, width):
    """Return int32 [height, width], how often each pixel is named, row column."""
    shape = tf.stack([height, width])
    return tf.scatter_nd(places, tf.ones(tf.shape(places)[:1], tf.int32), shape)


def _clipped(starts, ends, height, width):
    """Return the ends of lines moved to the border, and which lines are to be seen."""
    limit = tf.stack([width, height]) - 1
    visible = tf.ones(tf.shape(starts)[:1], tf.bool)
    for axis in (1, 0):
        beside = (starts[:, axis] < 0) & (ends[:, axis] < 0)
        beyond = (starts[:, axis] > limit[axis]) & (ends[:, axis] > limit[axis])
        visible &= ~(beside | beyond)
        starts = _moved(starts, ends, axis, limit[axis])
        ends = _moved(ends, starts, axis, limit[axis])
    return starts, ends, visible


def _moved(points, others, axis, limit):
    """Move points along their lines until a coordinate is in 0..limit."""
    bound = tf.clip_by_value(points[:, axis], 0, limit)
    gap = tf.cast(bound - points[:, axis], tf.float64)
    line = tf.cast(others - points, tf.float64)
    shift = tf.math.divide_no_nan(gap * line[:, 1 - axis], line[:, axis])
    shift = tf.cast(shift, tf.int32)
    moved = [bound, points[:, 1 - axis] + shift]
    return tf.stack(moved if axis == 0 else moved[::-1], axis=1)
