"""Image operations on regions of a photo, as TensorFlow ops of any shape.

A region is the block of whole pixels that a box touches, as top, left, bottom, right
(the far edges excluded). Work on a region costs in proportion to the region: the loop
over regions writes into the photo's own buffer.
"""

from collections.abc import Callable

import tensorflow as tf

# A box edge this close to a pixel border, in pixels, is on it: relative float32
# coordinates give whole pixels back only to about 1e-3 px on photos 10,000 px wide.
EDGE_TOLERANCE = 1e-3

# Bytes that a slice update writes at a time; byte by byte it takes eight times as long.
WORD = 8


def pixel_regions(boxes: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Widen boxes to whole pixels and clip them to the photo.

    Args:
        boxes: float32 [N, 4], yxyx, relative; may reach outside [0, 1].
        height, width: size of the photo in pixels, int32 scalars.

    Returns:
        int32 [N, 4], top, left, bottom, right in pixels with bottom >= top and
        right >= left. A box with a non-finite coordinate could be anywhere: its region
        is the whole photo.

    Source: conventional.md, conventions.
    """
    finite = tf.reduce_all(tf.math.is_finite(boxes), axis=-1, keepdims=True)
    boxes = tf.where(finite, boxes, tf.constant([0.0, 0.0, 1.0, 1.0]))
    size = tf.cast(tf.stack([height, width]), tf.float32)
    near = tf.floor(tf.clip_by_value(boxes[:, :2], 0.0, 1.0) * size + EDGE_TOLERANCE)
    far = tf.math.ceil(tf.clip_by_value(boxes[:, 2:], 0.0, 1.0) * size - EDGE_TOLERANCE)
    return tf.cast(tf.concat([near, tf.maximum(near, far)], axis=-1), tf.int32)


def regions_mask(regions: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Return bool [height, width], true on the pixels of any region (int32 [N, 4])."""
    top, left, bottom, right = tf.unstack(regions[:, :, tf.newaxis], axis=1)
    rows, columns = tf.range(height), tf.range(width)
    in_rows = tf.cast((rows >= top) & (rows < bottom), tf.float32)
    in_columns = tf.cast((columns >= left) & (columns < right), tf.float32)
    return tf.matmul(in_rows, in_columns, transpose_a=True) > 0


def edit_regions(
    image: tf.Tensor,
    regions: tf.Tensor,
    edit: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Replace regions of a photo one after another, in the order given.

    Args:
        image: uint8 [H, W, 3].
        regions: int32 [N, 4], as of `pixel_regions`; may overlap or be empty.
        edit: maps a patch, uint8 [h, w, 3] with h, w >= 1, and the index of its region,
            an int32 scalar, to a patch of the same shape. It sees what earlier edits
            left.

    Returns:
        uint8 [H, W, 3].
    """
    shape = tf.shape(image)
    not_empty = tf.reduce_all(regions[:, 2:] > regions[:, :2], axis=-1)
    indices = tf.cast(tf.where(not_empty)[:, 0], tf.int32)
    layouts = _layouts(tf.gather(regions, indices))

    def edit_next(index, words):
        layout = tf.gather(layouts, index)
        near, far, margins, word_shape, byte_shape, patch_shape, line_shape = tf.split(
            layout, [2, 2, 3, 3, 2, 3, 2]
        )
        slab = tf.bitcast(tf.strided_slice(words, near, far), tf.uint8)
        before, patch, after = tf.split(tf.reshape(slab, byte_shape), margins, axis=1)
        patch = edit(tf.reshape(patch, patch_shape), tf.gather(indices, index))
        patch = tf.reshape(patch, line_shape)
        slab = tf.reshape(tf.concat([before, patch, after], axis=1), word_shape)
        # In a graph nothing else holds the photo at this point, and the op writes into
        # its buffer instead of copying it.
        words = tf.raw_ops.TensorStridedSliceUpdate(
            input=words,
            begin=near,
            end=far,
            strides=[1, 1],
            value=tf.bitcast(slab, tf.int64),
        )
        return index + 1, words

    lines = tf.reshape(image, [shape[0], 3 * shape[1]])
    padding = tf.zeros([shape[0], -3 * shape[1] % WORD], tf.uint8)
    lines = tf.cond(  # concat would copy the photo even for nothing
        tf.shape(padding)[1] > 0,
        lambda: tf.concat([lines, padding], axis=1),
        lambda: lines,
    )
    word_shape = tf.stack([shape[0], tf.shape(lines)[1] // WORD, WORD])
    count = tf.shape(indices)[0]
    _, words = tf.while_loop(
        lambda index, _: index < count,
        edit_next,
        (0, tf.bitcast(tf.reshape(lines, word_shape), tf.int64)),
        parallel_iterations=1,
    )
    lines = tf.reshape(tf.bitcast(words, tf.uint8), tf.shape(lines))
    return tf.reshape(lines[:, : 3 * shape[1]], shape)


def _layouts(regions):
    """Return int32 [N, 17]: where regions lie in the photo's words, and their shapes.

    Made for all regions at once, as the loop pays for operations, not for numbers.
    """
    top, left, bottom, right = tf.unstack(regions, axis=1)
    height, width = bottom - top, right - left
    near, far = 3 * left // WORD, (3 * right + WORD - 1) // WORD
    before = 3 * left - near * WORD
    after = far * WORD - 3 * right
    words, channels = tf.fill(tf.shape(top), WORD), tf.fill(tf.shape(top), 3)
    columns = [top, near, bottom, far]  # begin and end of the slab, in words
    columns += [before, 3 * width, after]  # bytes beside the patch and of it
    columns += [height, far - near, words]  # shapes: of the slab in words,
    columns += [height, (far - near) * WORD]  # in bytes,
    columns += [height, width, channels]  # of the patch,
    columns += [height, 3 * width]  # and of its lines
    return tf.stack(columns, axis=1)


def cut(image: tf.Tensor, square: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    """Cut a square out of a photo and resize it.

    Args:
        image: uint8 [H, W, 3].
        square: int32 [4], top, left, bottom, right in pixels; black where it reaches
            outside the photo.
        side: of the result, px.

    Returns:
        uint8 [side, side, 3].
    """
    near = tf.maximum(square[:2], 0)
    far = tf.minimum(square[2:], tf.shape(image)[:2])
    patch = image[near[0] : far[0], near[1] : far[1]]
    outside = tf.stack([near - square[:2], square[2:] - far], axis=1)
    return resize(tf.pad(patch, tf.concat([outside, [[0, 0]]], axis=0)), side, side)


def resize(patch: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Resize a patch bilinearly, pixel borders on pixel borders, without antialiasing.

    Args:
        patch: uint8 or float32 [h, w, 3], in 0..255.
        height, width: of the result.

    Returns:
        uint8 [height, width, 3], rounded to nearest.
    """
    resized = tf.image.resize(patch, tf.stack([height, width]))
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
