"""Losses of Sun2018: cross-entropy and absolute error.

Source: sun2018.md, section 5.
"""

import tensorflow as tf

L1_WEIGHT = 10.0


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
        "adversarial", "l1_loss" and their weighted sum "total", float32 scalars.
    """
    adversarial = _entropy(fake_logits, 1.0)
    # What is masked counts twice: once as part of the patch, once for itself.
    error = tf.abs(fake - real)
    l1_loss = tf.reduce_mean(error) + tf.reduce_mean(error * mask)
    return {
        "adversarial": adversarial,
        "l1_loss": l1_loss,
        "total": adversarial + L1_WEIGHT * l1_loss,
    }


def _entropy(logits, target):
    labels = tf.fill(tf.shape(logits), tf.cast(target, logits.dtype))
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    )
