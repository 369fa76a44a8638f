"""The progressive anchor loss of DSFD: matching, hard negative mining, sums.

Source: "DSFD: Dual Shot Face Detector" (Li et al., CVPR 2019), sections 3.3 and 3.4;
the details are those of dsfd.md, sections 7 and 8.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from safefakes_tf.config import LossConfig
from safefakes_tf.detectors.dsfd import matching


class MultiboxSums(NamedTuple):
    """Loss sums of one shot over a batch, before normalization; scalars."""

    boxes: tf.Tensor
    logits: tf.Tensor
    num_positives: tf.Tensor


def multibox_sums(
    outputs: dict[str, tf.Tensor],
    boxes: tf.Tensor,
    num_boxes: tf.Tensor,
    anchors: tf.Tensor,
    config: LossConfig,
) -> MultiboxSums:
    """Sum the losses of one shot over a batch.

    Smooth L1 over the offsets of positive anchors; cross-entropy over the positives
    and, per photo, over the background anchors that look most like faces,
    `negatives_per_positive` for each positive and never all anchors.

    Args:
        outputs: "boxes" [B, P, 4] and "logits" [B, P, 2] of the shot, float32 or
            float64, and so the sums.
        boxes: float32 [B, G, 4], yxyx relative, padded.
        num_boxes: int32 [B].
        anchors: float32 [P, 4] of the shot.
        config: matching and mining.

    Returns:
        Sums over the batch, and its number of positive anchors.

    Source: SSD (Liu et al., 2016), equations 1 to 3; dsfd.md, section 8.
    """
    labels, offsets = matching.match(
        boxes, num_boxes, anchors, config.match_threshold, outputs["boxes"].dtype
    )
    positive = labels == 1
    per_photo = tf.reduce_sum(labels, axis=1)

    # Distance of the boxes of positive anchors.
    distance = tf.abs(outputs["boxes"] - offsets)
    smooth = tf.where(distance < 1.0, 0.5 * tf.square(distance), distance - 0.5)
    boxes_sum = tf.reduce_sum(tf.where(positive[..., None], smooth, 0.0))

    # Cross-entropy of two classes: softplus(logit of the other - logit of the true).
    margin = outputs["logits"][..., 1] - outputs["logits"][..., 0]
    face_sum = tf.reduce_sum(tf.where(positive, tf.nn.softplus(-margin), 0.0))

    # The hardest negatives' sum is that of the top of their sorted losses. All are
    # sorted, though few count: how many do is known too late for a static shape.
    num_anchors = tf.shape(labels)[1]
    num_negatives = tf.minimum(
        config.negatives_per_positive * per_photo, num_anchors - 1
    )
    losses = tf.nn.softplus(margin)
    losses = tf.where(positive, -tf.ones_like(losses), losses)
    hardest, _ = tf.math.top_k(losses, num_anchors)
    rank = tf.range(num_anchors)
    chosen = (rank < num_negatives[:, None]) & (hardest >= 0.0)
    background_sum = tf.reduce_sum(tf.where(chosen, hardest, 0.0))

    count = tf.cast(tf.reduce_sum(per_photo), boxes_sum.dtype)
    return MultiboxSums(boxes_sum, face_sum + background_sum, count)


def progressive_anchor_loss(
    outputs: dict[str, dict[str, tf.Tensor]],
    boxes: tf.Tensor,
    num_boxes: tf.Tensor,
    anchors: dict[str, tf.Tensor],
    config: LossConfig,
    sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> dict[str, tf.Tensor]:
    """Return the losses of both shots, all with weight 1.

    Each shot is divided by the number of its positive anchors in the *global* batch (by
    the number of photos where there is none). With `sum_over_replicas`, the results and
    gradients of the replicas therefore add up to those of one device.

    Args:
        outputs: of the model, by shot.
        boxes: float32 [B, G, 4], yxyx relative, padded.
        num_boxes: int32 [B].
        anchors: float32 [P, 4] by shot, from `dsfd.anchors`.
        config: matching and mining.
        sum_over_replicas: sums a vector over the replicas of a strategy; for one device
            the identity.

    Returns:
        Scalars in the type of the outputs: "first_shot_boxes", "first_shot_logits",
        "second_shot_boxes", "second_shot_logits" and their sum "total".
    """
    sums = {
        shot: multibox_sums(outputs[shot], boxes, num_boxes, anchors[shot], config)
        for shot in outputs
    }
    # One message for all counts.
    counts = [shot_sums.num_positives for shot_sums in sums.values()]
    counts = sum_over_replicas(
        tf.stack([*counts, tf.cast(tf.shape(boxes)[0], counts[0].dtype)])
    )
    losses = {}
    for index, (shot, shot_sums) in enumerate(sums.items()):
        divisor = tf.where(counts[index] > 0, counts[index], counts[-1])
        losses[f"{shot}_boxes"] = shot_sums.boxes / divisor
        losses[f"{shot}_logits"] = shot_sums.logits / divisor
    losses["total"] = tf.add_n(list(losses.values()))
    return losses
