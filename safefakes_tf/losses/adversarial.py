"""Losses of the three generators and of their judges.

Sources: deepprivacy.md, section 9; ciagan.md, section 7; sun2018.md, section 5.
"""

from collections.abc import Callable

import tensorflow as tf

# === DeepPrivacy: Wasserstein distance with gradient penalty ===

GRADIENT_PENALTY = 10.0
DRIFT = 0.001


def wasserstein_discriminator(
    real_scores: tf.Tensor, fake_scores: tf.Tensor, penalties: tf.Tensor
) -> tf.Tensor:
    """Return the discriminator's loss, a float32 scalar: a sum over the batch.

    Args:
        real_scores, fake_scores: float32 [N, 1].
        penalties: float32 [N], of `gradient_penalty`.
    """
    distance = tf.reduce_sum(real_scores - fake_scores)
    # Keeps the scores near zero, which the distance alone leaves free to wander.
    drift = tf.reduce_sum(tf.square(real_scores))
    return -distance + GRADIENT_PENALTY * tf.reduce_sum(penalties) + DRIFT * drift


def wasserstein_generator(fake_scores: tf.Tensor) -> tf.Tensor:
    """Return the generator's loss, a float32 scalar: a sum over the batch."""
    return -tf.reduce_sum(fake_scores)


def gradient_penalty(
    score: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mixing: tf.Tensor,
) -> tf.Tensor:
    """Return how far the slope of a score is from one, between real and fake images.

    Args:
        score: images float32 [N, H, W, C] -> scores float32 [N, 1].
        real, fake: float32 [N, H, W, C].
        mixing: float32 [N, 1, 1, 1] in 0..1, the share of the real image.

    Returns:
        float32 [N], `(|gradient| - 1)^2` over all pixels and channels of an image.

    Source: "Improved Training of Wasserstein GANs" (Gulrajani et al., NeurIPS 2017),
    equation 3.
    """
    mixed = mixing * real + (1 - mixing) * fake
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        scores = score(mixed)
    gradients = tape.gradient(scores, mixed)
    norms = tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]))
    return tf.square(norms - 1)


# === Sun2018: cross-entropy and absolute difference ===

DIFFERENCE = 10.0


def cross_entropy_discriminator(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tf.Tensor:
    """Return the discriminator's loss, a float32 scalar: the mean of both halves.

    Args:
        real_logits, fake_logits: float32 [N, 1].
    """
    return (_entropy(real_logits, 1.0) + _entropy(fake_logits, 0.0)) / 2


def cross_entropy_generator(
    fake_logits: tf.Tensor, fake: tf.Tensor, real: tf.Tensor, mask: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the generator's loss and its two terms.

    Args:
        fake_logits: float32 [N, 1].
        fake, real: float32 [N, H, W, 3] in -1..1.
        mask: float32 [N, H, W, 1], one inside the face's box.

    Returns:
        "adversarial", "difference" and their weighted sum "total", float32 scalars.
    """
    adversarial = _entropy(fake_logits, 1.0)
    # What is hidden counts twice: once as part of the patch, once for itself.
    difference = tf.abs(fake - real)
    difference = tf.reduce_mean(difference) + tf.reduce_mean(difference * mask)
    return {
        "adversarial": adversarial,
        "difference": difference,
        "total": adversarial + DIFFERENCE * difference,
    }


def _entropy(logits, target):
    labels = tf.fill(tf.shape(logits), target)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    )


# === CIAGAN: least squares, and identities held together or apart ===

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
