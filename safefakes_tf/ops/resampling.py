"""Resizing with the kernels of OpenCV and Pillow, as TensorFlow ops."""

import math

import tensorflow as tf

CUBIC = -0.75  # slope of OpenCV's cubic kernel at distance one
LOBES = 3  # of Pillow's Lanczos kernel, to each side


def cut_cubic(
    image: tf.Tensor, region: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Cut a region out of a photo and resize it with a cubic kernel of four pixels.

    Args:
        image: uint8 [H, W, 3].
        region: int32 [4], top, left, bottom, right in pixels, not empty; beyond the
            photo its edge is repeated.
        height, width: of the result.

    Returns:
        uint8 [height, width, 3], within a grey level of OpenCV's `INTER_CUBIC`, which
        computes with weights of 11 bits.
    """
    size = tf.shape(image)
    top, left, bottom, right = tf.unstack(region)
    rows, row_weights = _cubic_taps(top, bottom, height, size[0])
    columns, column_weights = _cubic_taps(left, right, width, size[1])
    first, last = tf.reduce_min(columns), tf.reduce_max(columns)
    near = tf.gather(image[:, first : last + 1], rows)  # [height, 4, w, 3]
    lines = tf.einsum("hkwc,hk->hwc", tf.cast(near, tf.float32), row_weights)
    near = tf.gather(lines, columns - first, axis=1)
    return _to_pixels(tf.einsum("hwkc,wk->hwc", near, column_weights))


def _cubic_taps(start, end, out, limit):
    """Return, per pixel of the result, four pixels and their weights."""
    count = end - start
    scale = tf.cast(count, tf.float64) / out
    place = (tf.range(out, dtype=tf.float64) + 0.5) * scale - 0.5
    base = tf.floor(place)
    near = place - base
    far = 1 - near
    # Pixels less than one away, and the others.
    beside = [((CUBIC + 2) * t - (CUBIC + 3)) * t**2 + 1 for t in (near, far)]
    outer = [CUBIC * (((t - 5) * t + 8) * t - 4) for t in (near + 1, far + 1)]
    weights = tf.stack([outer[0], *beside, outer[1]], axis=1)
    taps = tf.cast(base, tf.int32)[:, tf.newaxis] + [[-1, 0, 1, 2]]
    taps = start + tf.clip_by_value(taps, 0, count - 1)
    return tf.clip_by_value(taps, 0, limit - 1), tf.cast(weights, tf.float32)


def lanczos(image: tf.Tensor, side: int) -> tf.Tensor:
    """Resize a picture to a square with a Lanczos kernel, antialiased.

    Args:
        image: uint8 [h, w, C].
        side: of the result, px.

    Returns:
        uint8 [side, side, C], within a grey level of Pillow's `LANCZOS`: one axis,
        rounded, then the other; the width first, unless the height shrinks more.
    """
    height, width = tf.unstack(tf.shape(image)[:2])
    upright = (height > width) & (height > side)
    image = tf.cond(upright, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    height, width = tf.unstack(tf.shape(image)[:2])
    pixels = tf.cast(image, tf.float32)
    lines = tf.einsum("hwc,ow->hoc", pixels, _lanczos_weights(width, side))
    lines = tf.cast(_to_pixels(lines), tf.float32)
    image = _to_pixels(tf.einsum("hoc,ph->poc", lines, _lanczos_weights(height, side)))
    return tf.cond(upright, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)


def _lanczos_weights(size, out):
    """Return float32 [out, size], what each pixel is worth to each of the result."""
    scale = tf.cast(size, tf.float64) / out
    stretch = tf.maximum(scale, 1.0)  # a kernel narrower than a pixel would skip some
    centre = (tf.range(out, dtype=tf.float64)[:, tf.newaxis] + 0.5) * scale
    pixel = tf.range(tf.cast(size, tf.float64))
    reach = LOBES * stretch
    inside = pixel >= tf.floor(centre - reach + 0.5)
    inside &= pixel < tf.floor(centre + reach + 0.5)
    distance = (pixel + 0.5 - centre) / stretch
    kernel = _sinc(distance) * _sinc(distance / LOBES)
    weights = tf.where(inside & (tf.abs(distance) < LOBES), kernel, 0.0)
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.cast(weights, tf.float32)


def _sinc(x):
    quotient = tf.math.divide_no_nan(tf.sin(math.pi * x), math.pi * x)
    return tf.where(x == 0, tf.ones_like(x), quotient)


def _to_pixels(values):
    return tf.cast(tf.clip_by_value(tf.floor(values + 0.5), 0.0, 255.0), tf.uint8)
