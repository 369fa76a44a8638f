"""Losses of DeepPrivacy: Wasserstein distance with gradient penalty.

Source: deepprivacy.md, section 9.
"""

from collections.abc import Callable

import tensorflow as tf

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
