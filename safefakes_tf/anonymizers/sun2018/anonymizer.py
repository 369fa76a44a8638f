"""Sun2018, head inpainting: a face generated from its context and 68 keypoints.

Source: "Natural and Effective Obfuscation by Head Inpainting" (Sun et al., CVPR 2018);
sun2018.md, sections 2 and 6.
"""

import tensorflow as tf

from safefakes_tf.anonymizers.context_inpainter import BOX, ContextInpainter
from safefakes_tf.anonymizers.sun2018 import network as sun2018


class Sun2018(ContextInpainter):
    """Pastes only the face's box, with a hard edge.

    Faces without keypoints are generated without, which gives blurry ones.
    """

    name = "sun2018"
    keypoints = "ibug68"
    square_or_box = BOX

    def condition(self, patches: tf.Tensor, points: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return patches in -1..1 and a map for each point."""
        side = patches.shape[1]
        return {
            sun2018.CONDITION: tf.cast(patches, tf.float32) / 255 * 2 - 1,
            sun2018.KEYPOINT_MAPS: sun2018.keypoint_maps(points * side, side),
        }

    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Turn -1..1 into 0..255, rounded to nearest."""
        shares = tf.clip_by_value((outputs + 1) / 2, 0.0, 1.0)
        return tf.cast(tf.round(shares * 255), tf.uint8)
