"""Losses of CIAGAN: least squares, and identities held together or apart.

Source: ciagan.md, section 7.
"""

import tensorflow as tf

MARGIN = 3.0


def least_squares(scores: tf.Tensor, target: float) -> tf.Tensor:
    """Return the mean squared distance of scores from their target, 1 or 0."""
    return tf.reduce_mean(tf.square(scores - target))


def contrastive(embeddings: tf.Tensor, others: tf.Tensor, same: tf.Tensor) -> tf.Tensor:
    """Return the loss that draws equal identities together and pushes others apart.

    Args:
        embeddings, others: float32 [N, D].
        same: float32 [N], one where both are of one identity, else zero.

    Returns:
        float32 scalar, the mean over the pairs.

    Source: "Dimensionality Reduction by Learning an Invariant Mapping" (Hadsell et al.,
    CVPR 2006), equation 4; ciagan.md, section 7.
    """
    squared = tf.reduce_sum(tf.square(others - embeddings), axis=1)
    # The root's slope is infinite at zero.
    gap = tf.maximum(MARGIN - tf.sqrt(squared + 1e-9), 0.0)
    return tf.reduce_mean(same * squared + (1 - same) * tf.square(gap)) / 2
