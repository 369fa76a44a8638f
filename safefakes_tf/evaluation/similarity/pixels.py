"""L1 and L2: how far apart the pixels are, on a scale where white is 1."""

import tensorflow as tf

_PIXELS = (-3, -2, -1)  # axes: height, width, colours


def l1(originals: tf.Tensor, anonymized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the mean absolute difference of each pair.

    Args:
        originals, anonymized: float32 [N, H, W, 3], in 0..255.

    Returns:
        "l1" -> float32 [N], 0..1.

    Source: metrics.md, section 2.
    """
    difference = tf.abs(originals - anonymized) / 255.0
    return {"l1": tf.reduce_mean(difference, _PIXELS)}


def l2(originals: tf.Tensor, anonymized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the mean squared difference of each pair, and its root.

    Which of the two the study calls L2 is not told, and correlations differ.

    Args:
        originals, anonymized: float32 [N, H, W, 3], in 0..255.

    Returns:
        "l2_mse" and "l2_rmse" -> float32 [N], 0..1.

    Source: metrics.md, section 2.
    """
    square = tf.square((originals - anonymized) / 255.0)
    mse = tf.reduce_mean(square, _PIXELS)
    return {"l2_mse": mse, "l2_rmse": tf.sqrt(mse)}
