"""Image operations on regions of a photo, as TensorFlow ops of any shape.

A region is the block of whole pixels that a box touches, as top, left, bottom, right
(the far edges excluded). Work on a region costs in proportion to the region: the loop
over regions writes into the photo's own buffer.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# A box edge this close to a pixel border, in pixels, is on it: relative float32
# coordinates give whole pixels back only to about 1e-3 px on photos 10,000 px wide.
EDGE_TOLERANCE = 1e-3

# Bytes that a slice update writes at a time; byte by byte it takes eight times as long.
WORD = 8

# A blur of up to so many pixels is one product with a square matrix; longer ones go in
# tiles, which takes more operations but fewer multiplications per pixel.
MAX_SQUARE = 64
TILE = 24  # rows; fewer take fewer multiplications, but more time for each


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
    shape = tf.shape(image)
    limits = tf.stack([0, 0, shape[0], shape[1]])
    top, left, bottom, right = tf.unstack(
        tf.concat(
            [tf.maximum(square, limits)[:2], tf.minimum(square, limits)[2:]], axis=0
        )
    )
    patch = image[top:bottom, left:right]
    outside = tf.abs(tf.stack([top, left, bottom, right]) - square)
    patch = tf.pad(patch, [*tf.unstack(tf.reshape(outside, [2, 2]), axis=1), [0, 0]])
    return resize(patch, side, side)


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


def gaussian_kernel(size: int) -> np.ndarray:
    """Return float32 [size], a Gaussian that sums to one; `size` is odd.

    Source: conventional.md; sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8.
    """
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    return (weights / weights.sum()).astype(np.float32)


def blur(patch: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Convolve a patch with a kernel along both axes, reading no pixel outside it.

    Args:
        patch: uint8 [h, w, 3], h, w >= 1.
        kernel: float32 [size], symmetric, of odd size.

    Returns:
        uint8 [h, w, 3], rounded to nearest, halves up. Beyond its edge the patch is
        mirrored without repeating the edge (reflect-101); along an axis with no more
        pixels than the kernel reaches to one side, its edge is repeated instead.

    Source: conventional.md, conventions.
    """
    shape = tf.shape(patch)
    height, width = shape[0], shape[1]
    lines = tf.cast(tf.reshape(patch, [1, height, 3 * width]), tf.float32)
    lines = _blur_columns(lines, kernel)  # [1, h, (w, 3)]
    # Of two axes: a transpose of three with three colours last takes ten times as long.
    lines = tf.transpose(tf.reshape(lines, [height, 3 * width]))
    lines = tf.reshape(lines, [1, width, 3 * height])
    lines = _blur_columns(lines, kernel)  # [1, w, (3, h)]
    lines = tf.cast(tf.floor(lines + 0.5), tf.uint8)
    return tf.reshape(tf.transpose(tf.reshape(lines, [3 * width, height])), shape)


def _blur_columns(lines, kernel):
    """Convolve float32 [1, n, m] along its middle axis."""
    max_square = max(MAX_SQUARE, len(kernel) // 2 + 1)
    size = tf.shape(lines)[1]
    return tf.cond(
        size <= max_square,
        lambda: tf.matmul(_square_weights(size, kernel, max_square), lines),
        lambda: _blur_tiles(lines[0], kernel),
    )


def _square_weights(size, kernel, max_size):
    """Return float32 [1, size, size]: what each pixel is worth to each blurred one.

    Looked up among the matrices of all sizes, one after another in one table.
    """
    table = np.concatenate(
        [_square_matrix(n, kernel).ravel() for n in range(1, max_size + 1)]
    )
    begins = np.cumsum([n * n for n in range(max_size + 1)])
    begin = tf.gather(tf.constant(begins, tf.int32), size - 1)
    return tf.reshape(tf.slice(table, [begin], [size * size]), [1, size, size])


def _square_matrix(size, kernel):
    """Return float32 [size, size].

    A pixel counts by its distance, and once more for the pixels beyond the border for
    which it stands: its mirror image, or all of them if the edge is repeated.
    """
    reach = len(kernel) // 2
    beyond = np.arange(-reach, size + reach)
    if size > reach:
        inside = np.minimum(np.abs(beyond), 2 * (size - 1) - beyond)
    else:
        inside = np.clip(beyond, 0, size - 1)
    matrix = np.zeros([size, size], np.float32)
    for pixel in range(size):
        np.add.at(matrix[pixel], inside[pixel : pixel + len(kernel)], kernel)
    return matrix


def _blur_tiles(lines, kernel):
    """Convolve float32 [n, m] along its first axis, n above the kernel's reach.

    A tile of rows is the product of a band matrix and the rows that it needs.
    """
    reach = len(kernel) // 2
    size, length = tf.unstack(tf.shape(lines))
    tops = tf.range(0, size, TILE)[:, tf.newaxis]
    rows = tops + np.arange(-reach, TILE + reach, dtype=np.int32)
    mirrored = tf.minimum(tf.abs(rows), tf.abs(2 * (size - 1) - rows))
    rows = tf.minimum(mirrored, size - 1)  # beyond the last tile's mirror: not used
    band = np.zeros([TILE, TILE + 2 * reach], np.float32)
    for row in range(TILE):
        band[row, row : row + len(kernel)] = kernel
    smooth = tf.matmul(band[np.newaxis], tf.gather(lines, rows))
    return tf.reshape(smooth, [1, -1, length])[:, :size]


def pixelate(patch: tf.Tensor, cells: int) -> tf.Tensor:
    """Average a patch over a grid of cells and spread each average over its cell.

    Args:
        patch: uint8 [h, w, 3], h, w >= 1.
        cells: cells along each axis; an axis with fewer pixels has a cell per pixel.

    Returns:
        uint8 [h, w, 3]. A cell's value is the mean over its area, where a pixel that a
        cell border crosses counts by its share, rounded to nearest, halves up; a pixel
        takes the cell in which its centre lies. The arithmetic is exact.

    Source: conventional.md.
    """
    shape = tf.shape(patch)
    height, width = shape[0], shape[1]
    # Weights are whole numbers, so sums down to [cells, w] are below 2**24, as float32
    # needs them, and the sums of those below 2**53.
    lines = tf.cast(tf.reshape(patch, [height, -1]), tf.float32)
    sums = tf.matmul(tf.cast(_cell_weights(height, cells), tf.float32), lines)
    sums = tf.cast(tf.reshape(sums, [-1, width, 3]), tf.float64)
    sums = tf.matmul(tf.cast(_cell_weights(width, cells), tf.float64), sums)
    area = tf.cast(height, tf.float64) * tf.cast(width, tf.float64)
    means = tf.cast(tf.floor(sums / area + 0.5), tf.uint8)
    spread = tf.gather(means, _cell_of_pixel(width, cells), axis=1)
    return tf.gather(spread, _cell_of_pixel(height, cells), axis=0)


def _cell_weights(size, cells):
    """Return int32 [cells, size]: what of a pixel lies in a cell, in 1 / cells px."""
    cells = tf.minimum(cells, size)
    near = tf.range(cells)[:, tf.newaxis] * size
    pixel = tf.range(size) * cells
    overlap = tf.minimum(near + size, pixel + cells) - tf.maximum(near, pixel)
    return tf.maximum(overlap, 0)


def _cell_of_pixel(size, cells):
    """Return int32 [size], the cell in which each pixel's centre lies."""
    return (2 * tf.range(size) + 1) * tf.minimum(cells, size) // (2 * size)
