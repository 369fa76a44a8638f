"""Filters of a patch: Gaussian blurs and pixelation, as TensorFlow ops of any shape.

Source: conventional.md.
"""

import functools

import numpy as np
import tensorflow as tf

# A blur of up to so many pixels is one product with a square matrix; longer ones go in
# tiles, which takes more operations but fewer multiplications per pixel.
MAX_SQUARE = 64

TILE = 24  # rows; fewer take fewer multiplications, but more time for each

# Pixels of a patch that are floating-point numbers at a time: those of a whole portrait
# would take a gigabyte.
STRIP = 2**20


def gaussian_sigma(size: int) -> float:
    """Return the sigma, in pixels, of the Gaussian of a kernel; `size` is odd.

    Source: conventional.md.
    """
    return 0.3 * ((size - 1) / 2 - 1) + 0.8


def gaussian_kernel(size: int) -> np.ndarray:
    """Return float32 [size], a Gaussian that sums to one; `size` is odd."""
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2 * gaussian_sigma(size) ** 2))
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
    table = _square_table(tuple(kernel.tolist()), max_size)
    begins = np.cumsum([n * n for n in range(max_size + 1)])
    begin = tf.gather(tf.constant(begins, tf.int32), size - 1)
    return tf.reshape(tf.slice(table, [begin], [size * size]), [1, size, size])


# Made anew it takes longer than the blur, and only graphs would keep it.
@functools.lru_cache(maxsize=2)
def _square_table(kernel, max_size):
    """Return float32: the matrices of a kernel, a tuple, of all sizes up to one."""
    kernel = np.float32(kernel)
    return np.concatenate(
        [_square_matrix(n, kernel).ravel() for n in range(1, max_size + 1)]
    )


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


def soften(patch: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blur a patch with a Gaussian of any width, reading no pixel outside it.

    Averages are taken at points half a sigma apart, and every pixel becomes the average
    of those near it. Both times the weights are a Gaussian of half the variance, so the
    result is that of one of `sigma`, at a cost that does not grow with it.

    Args:
        patch: uint8 [h, w, 3], h, w >= 1.
        sigma: float32 scalar, px; at least 1.

    Returns:
        uint8 [h, w, 3], rounded to nearest. At its edge the patch is neither mirrored
        nor repeated: weights beyond it are left out, and the others sum to one.

    Source: conventional.md, strength.
    """
    shape = tf.shape(patch)
    height, width = shape[0], shape[1]
    rows, columns = _weights_at_points(height, sigma), _weights_at_points(width, sigma)
    step = tf.clip_by_value(STRIP // width, 1, height)
    means = _weighted_rows(_sum_to_one(rows), patch, step)  # [points, (w, 3)]
    means = tf.reshape(means, [-1, width, 3])
    means = tf.matmul(_sum_to_one(columns), means)  # [points, points, 3]
    means = tf.matmul(_sum_to_one(tf.transpose(columns)), means)
    means = tf.reshape(means, [-1, 3 * width])
    spread = _sum_to_one(tf.transpose(rows))  # [h, points]

    def strip(top):
        within = tf.minimum(tf.range(top, top + step), height - 1)
        lines = tf.matmul(tf.gather(spread, within), means)
        return tf.cast(tf.floor(lines + 0.5), tf.uint8)

    strips = tf.map_fn(
        strip,
        tf.range(0, height, step),
        fn_output_signature=tf.uint8,
        parallel_iterations=1,
    )
    return tf.reshape(tf.reshape(strips, [-1, 3 * width])[:height], shape)


def _weights_at_points(size, sigma):
    """Return float32 [points, size], what pixels of a line are worth to each point."""
    length = tf.cast(size, tf.float32)
    count = tf.cast(tf.math.ceil(2 * length / sigma), tf.int32) + 1
    points = tf.linspace(0.0, length, count)[:, tf.newaxis]
    centres = tf.cast(tf.range(size), tf.float32) + 0.5
    return tf.exp(-(((points - centres) / sigma) ** 2))


def _sum_to_one(weights):
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _weighted_rows(weights, patch, step):
    """Return weights [n, h] times the rows of a patch, `step` of them at a time."""
    height = tf.shape(patch)[0]
    lines = tf.reshape(patch, [height, -1])

    def add(top, sums):
        some = tf.cast(lines[top : top + step], tf.float32)
        return top + step, sums + tf.matmul(weights[:, top : top + step], some)

    nothing = tf.zeros(tf.stack([tf.shape(weights)[0], tf.shape(lines)[1]]))
    _, sums = tf.while_loop(
        lambda top, _: top < height, add, (0, nothing), parallel_iterations=1
    )
    return sums


def cells_of_size(patch: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    """Return how many cells of at least a side fit into a patch, at least one.

    Args:
        patch: uint8 [h, w, 3].
        side: float32 scalar, px; a thousandth less passes for it, as it is rounded.

    Returns:
        int32 [2], along the height and the width.
    """
    size = tf.cast(tf.shape(patch)[:2], tf.float32)
    return tf.maximum(tf.cast(size / side + 1e-3, tf.int32), 1)


def pixelate(patch: tf.Tensor, cells: tuple[int, int] | tf.Tensor) -> tf.Tensor:
    """Average a patch over a grid of cells and spread each average over its cell.

    Args:
        patch: uint8 [h, w, 3], h, w >= 1.
        cells: along the height and the width, int32 [2]; an axis with fewer pixels has
            a cell per pixel.

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
    sums = tf.matmul(tf.cast(_cell_weights(height, cells[0]), tf.float32), lines)
    sums = tf.cast(tf.reshape(sums, [-1, width, 3]), tf.float64)
    sums = tf.matmul(tf.cast(_cell_weights(width, cells[1]), tf.float64), sums)
    area = tf.cast(height, tf.float64) * tf.cast(width, tf.float64)
    means = tf.cast(tf.floor(sums / area + 0.5), tf.uint8)
    spread = tf.gather(means, _cell_of_pixel(width, cells[1]), axis=1)
    return tf.gather(spread, _cell_of_pixel(height, cells[0]), axis=0)


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
