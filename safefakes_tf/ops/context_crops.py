"""Squares around faces, from which the generators see a face's surroundings.

Source: deepprivacy.md, section 5.
"""

import tensorflow as tf

MARGIN = 0.35  # on each side, in sides of the square around the box
FALLBACK_SIDE = 1.7  # in longer sides of the box


def expand(boxes: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Return a square around each box, with a margin where the photo leaves room.

    A square stays inside the photo and shrinks its margin for it. Only where the box
    itself leaves no room for a square it reaches outside.

    Args:
        boxes: float64 [N, 4], top, left, bottom, right in pixels, far edges excluded.
        height, width: size of the photo in pixels, int32 scalars.

    Returns:
        int32 [N, 4], likewise.
    """
    photo = tf.cast(tf.stack([height, width]), tf.float64)
    near, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    side = tf.reduce_max(size, axis=1, keepdims=True)

    # 1. A square: the shorter side grows, and is pushed back into the photo.
    growth = side - size
    start = tf.where(growth > 0, tf.maximum(near - growth // 2, 0.0), near)
    beyond = tf.maximum(start + side - photo, 0.0)
    start = tf.where(tf.reduce_any(growth > 0, 1, keepdims=True), start - beyond, start)
    fits = tf.reduce_all((start >= 0) & (start + side <= photo), axis=1)
    fits &= side[:, 0] <= tf.reduce_min(photo)

    # 2. A margin, as far as both directions have room for it.
    room = tf.reduce_min((photo - side) // 2, axis=1, keepdims=True)
    margin = tf.maximum(tf.minimum(_trunc(MARGIN * side), room), 0.0)
    start = tf.where(margin > 0, tf.maximum(start - margin, 0.0), start)
    side = side + 2 * margin
    start -= tf.where(margin > 0, tf.maximum(start + side - photo, 0.0), 0.0)
    end = start + side
    fits &= tf.reduce_all((start >= 0) & (end <= photo), axis=1)
    fits &= tf.reduce_all((start <= near) & (end >= boxes[:, 2:]), axis=1)
    square = _trunc(tf.concat([start, _trunc(start) + _trunc(side)], axis=1))

    square = tf.where(fits[:, tf.newaxis], square, around_centre(boxes, FALLBACK_SIDE))
    return tf.cast(square, tf.int32)


def inside(box: tf.Tensor, square: tf.Tensor, side: int) -> tf.Tensor:
    """Return where a box lies in a square that was resized.

    Args:
        box, square: [4] of any type, top, left, bottom, right in pixels of the photo.
        side: of the resized square, px.

    Returns:
        int32 [4], in pixels of the resized square, at least one of them: a box that
        vanished would leave a face to be seen.
    """
    square = tf.cast(square, tf.float64)
    offsets = tf.cast(box, tf.float64) - tf.tile(square[:2], [2])
    offsets = offsets * side / (square[2] - square[0])
    near, far = tf.split(tf.cast(_trunc(offsets), tf.int32), 2)
    near = tf.clip_by_value(near, 0, side - 1)
    return tf.concat([near, tf.maximum(far, near + 1)], axis=0)


def around_centre(boxes: tf.Tensor, factor: float) -> tf.Tensor:
    """Return squares of `factor` longer sides around the boxes' centres.

    `boxes` are as of `expand`; so are the squares, but of type float64.
    """
    near, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    centre = _trunc(near) + size // 2
    half = factor * tf.reduce_max(size, axis=1, keepdims=True) // 2
    return tf.concat([centre - half, centre + half], axis=1)


def _trunc(values):
    return tf.sign(values) * tf.floor(tf.abs(values))
