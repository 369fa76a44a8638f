"""SSIM as defined in 2004: Gaussian windows of 11 pixels that lie inside the image."""

import numpy as np
import tensorflow as tf

WINDOW, SIGMA = 11, 1.5  # px
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(originals: tf.Tensor, anonymized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the structural similarity of each pair, the mean over the three colours.

    Variances are differences of large numbers, hence float64.

    Args:
        originals, anonymized: float32 [N, H, W, 3], in 0..255, H and W >= 11 and known.

    Returns:
        "ssim" -> float64 [N], at most 1.

    Source: Wang et al., 2004, equation 13; metrics.md, section 3.
    """
    x, y = (
        tf.transpose(tf.cast(images, tf.float64), [0, 3, 1, 2])
        for images in (originals, anonymized)
    )
    mean_x, mean_y, xx_yy, xy = (_blur(maps) for maps in (x, y, x * x + y * y, x * y))
    products, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    luminance = (2 * products + C1) / (squares + C1)
    contrast = (2 * (xy - products) + C2) / (xx_yy - squares + C2)
    return {"ssim": tf.reduce_mean(luminance * contrast, axis=[1, 2, 3])}


def _blur(maps):
    """Return the Gaussian means of float64 [..., H, W], [..., H - 10, W - 10].

    Both axes are products with band matrices: several times as fast as a convolution,
    which TensorFlow has no fast one of in float64.
    """
    height, width = maps.shape[-2:]
    return tf.linalg.matmul(_band(height) @ maps, _band(width), transpose_b=True)


def _band(size):
    """Return float64 [size - 10, size]; a row holds the window at one position."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    matrix = np.zeros([size - WINDOW + 1, size])
    for row in range(len(matrix)):
        matrix[row, row : row + WINDOW] = weights / weights.sum()
    return matrix
