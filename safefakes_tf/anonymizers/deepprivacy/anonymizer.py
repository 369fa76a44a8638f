"""DeepPrivacy: a face generated from its context and seven keypoints.

Source: "DeepPrivacy: A Generative Adversarial Network for Face Anonymization"
(Hukkelås et al., ISVC 2019); deepprivacy.md, sections 4 to 7.
"""

import tensorflow as tf

from safefakes_tf.anonymizers.context_inpainter import SQUARE, ContextInpainter
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy


class DeepPrivacy(ContextInpainter):
    """Pastes the whole context crop that the generator returns.

    The noise is zero, as in the published programmes: the face that is most likely for
    its context. Faces without keypoints are generated without.
    """

    name = "deepprivacy"
    keypoints = "deepprivacy7"
    square_or_box = SQUARE

    def condition(self, patches: tf.Tensor, points: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return patches in -1..1, the points as one vector, and zero noise."""
        count = tf.shape(patches)[0]
        side = deepprivacy.LOWEST
        return {
            deepprivacy.CONDITION: tf.cast(patches, tf.float32) / 255 * 2 - 1,
            deepprivacy.POSE: tf.reshape(points, [-1, 2 * deepprivacy.NUM_KEYPOINTS]),
            deepprivacy.NOISE: tf.zeros(
                [count, side, side, deepprivacy.NOISE_CHANNELS]
            ),
        }

    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Turn -1..1 into 0..255, rounded down."""
        shares = tf.clip_by_value((outputs + 1) / 2, 0.0, 1.0)
        return tf.cast(shares * 255, tf.uint8)
