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

# Fewest rows that one matrix product of a blur makes; below, its overhead shows.
MIN_TILE = 16


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
    image: tf.Tensor, regions: tf.Tensor, edit: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Replace regions of a photo one after another, in the order given.

    Args:
        image: uint8 [H, W, 3].
        regions: int32 [N, 4], as of `pixel_regions`; may overlap or be empty.
        edit: maps a patch, uint8 [h, w, 3] with h, w >= 1, to one of the same shape.
            It sees what earlier edits left.

    Returns:
        uint8 [H, W, 3].
    """
    shape = tf.shape(image)
    regions = tf.boolean_mask(
        regions, tf.reduce_all(regions[:, 2:] > regions[:, :2], axis=-1)
    )
    top, left, bottom, right = tf.unstack(regions, axis=1)
    near = tf.stack([top, 3 * left // WORD], axis=1)
    far = tf.stack([bottom, (3 * right + WORD - 1) // WORD], axis=1)
    starts = 3 * left - WORD * near[:, 1]
    ends = starts + 3 * (right - left)

    def edit_next(index, words):
        slab = _to_bytes(tf.strided_slice(words, near[index], far[index]))
        start, end = starts[index], ends[index]
        rows = tf.shape(slab)[0]
        patch = edit(tf.reshape(slab[:, start:end], [rows, (end - start) // 3, 3]))
        patch = tf.reshape(patch, [rows, end - start])
        slab = tf.concat([slab[:, :start], patch, slab[:, end:]], axis=1)
        # In a graph nothing else holds the photo at this point, and the op writes into
        # its buffer instead of copying it.
        words = tf.raw_ops.TensorStridedSliceUpdate(
            input=words,
            begin=near[index],
            end=far[index],
            strides=[1, 1],
            value=_to_words(slab),
        )
        return index + 1, words

    lines = tf.reshape(image, [shape[0], 3 * shape[1]])
    padding = tf.zeros([shape[0], -3 * shape[1] % WORD], tf.uint8)
    lines = tf.cond(  # concat would copy the photo even for nothing
        tf.shape(padding)[1] > 0,
        lambda: tf.concat([lines, padding], axis=1),
        lambda: lines,
    )
    _, words = tf.while_loop(
        lambda index, _: index < tf.shape(regions)[0],
        edit_next,
        (0, _to_words(lines)),
        parallel_iterations=1,
    )
    return tf.reshape(_to_bytes(words)[:, : 3 * shape[1]], shape)


def _to_words(lines):
    """View uint8 [h, n * WORD] as int64 [h, n]."""
    height, length = tf.unstack(tf.shape(lines))
    return tf.bitcast(tf.reshape(lines, [height, length // WORD, WORD]), tf.int64)


def _to_bytes(words):
    """View int64 [h, n] as uint8 [h, n * WORD]."""
    height, length = tf.unstack(tf.shape(words))
    return tf.reshape(tf.bitcast(words, tf.uint8), [height, length * WORD])


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
    height, width = tf.unstack(tf.shape(patch)[:2])
    lines = tf.cast(tf.reshape(patch, [height, -1]), tf.float32)
    lines = _blur_columns(lines, kernel)  # [h, (w, 3)]
    lines = tf.transpose(lines)  # of two axes: with three it takes ten times as long
    lines = _blur_columns(tf.reshape(lines, [width, -1]), kernel)  # [w, (3, h)]
    lines = tf.cast(tf.floor(lines + 0.5), tf.uint8)
    lines = tf.transpose(tf.reshape(lines, [-1, height]))  # [h, (w, 3)]
    return tf.reshape(lines, tf.shape(patch))


def _blur_columns(lines, kernel):
    """Convolve float32 [n, m] along its first axis.

    A tile of output rows is the product of a matrix of weights and of the window of
    input rows that it needs. Borders are folded into the weights.
    """
    reach = len(kernel) // 2
    size = tf.shape(lines)[0]
    max_tile = max(MIN_TILE, len(kernel))
    num_tiles = (size + max_tile - 1) // max_tile
    tile = (size + num_tiles - 1) // num_tiles
    window = tf.minimum(tile + 2 * reach, size)
    tops = tf.range(num_tiles)[:, tf.newaxis] * tile
    starts = tf.clip_by_value(tops - reach, 0, size - window)
    windows = tf.gather(lines, starts + tf.range(window))
    # Row p of `taps` holds what input position p of the window means to every output
    # row; positions beyond the border add to those of the pixels that stand for them.
    # Positions that only serve rows beyond the last tile's end may land anywhere.
    taps = tf.constant(_taps(kernel, max_tile))[: tile + 2 * reach, :tile]
    pixels = _inside(tops + tf.range(-reach, tile + reach), size, reach) - starts
    pixels = tf.clip_by_value(pixels, 0, window - 1)
    slots = pixels + tf.range(num_tiles)[:, tf.newaxis] * window
    taps = tf.tile(taps[tf.newaxis], [num_tiles, 1, 1])
    weights = tf.math.unsorted_segment_sum(taps, slots, num_tiles * window)
    weights = tf.reshape(weights, [num_tiles, window, tile])
    smooth = tf.matmul(weights, windows, transpose_a=True)
    return tf.reshape(smooth, [num_tiles * tile, -1])[:size]


def _taps(kernel, rows):
    """Return float32 [rows + size - 1, rows]; column i holds the kernel from row i."""
    taps = np.zeros([rows + len(kernel) - 1, rows], np.float32)
    for row in range(rows):
        taps[row : row + len(kernel), row] = kernel
    return taps


def _inside(positions, size, reach):
    """Return the index that stands for each position before or beyond an axis."""
    mirrored = size - 1 - tf.abs(size - 1 - tf.abs(positions))
    positions = tf.where(size > reach, mirrored, positions)
    return tf.clip_by_value(positions, 0, size - 1)


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
