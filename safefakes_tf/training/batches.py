"""What the data sets of trainings yield, and what trainers learn from.

B is the batch size: the global one in a data set, a replica's share in a train step.
"""

from typing import Any, NamedTuple

import tensorflow as tf


class Positioned(NamedTuple):
    """One element of a training's data set.

    Attributes:
        batch: one of the batches below.
        position: int64 [B], index of the source element behind each example. A data set
            made for one more than the last of them goes on from there.
    """

    batch: Any
    position: tf.Tensor


class PhotoBatch(NamedTuple):
    """Photos and their faces, for detectors.

    Attributes:
        image: uint8 [B, S, S, 3], RGB.
        boxes: float32 [B, G, 4], yxyx relative, unclipped; zero rows after `num_boxes`.
        num_boxes: int32 [B].
    """

    image: tf.Tensor
    boxes: tf.Tensor
    num_boxes: tf.Tensor


class FaceBatch(NamedTuple):
    """Context crops of faces, for generators.

    Attributes:
        image: float32 [B, R, R, 3], -1..1, whole grey levels.
        condition: the same, all faces masked.
        mask: float32 [B, R, R, 1], one inside the face's box.
        box: int32 [B, 4], that box: top, left, bottom, right in pixels of the crop.
        points: float32 [B, K, 2], keypoints, x y in sides of the crop; absent ones lie
            outside of it.
        seed: int64 [B, 2], for what a trainer draws at random for the face.
    """

    image: tf.Tensor
    condition: tf.Tensor
    mask: tf.Tensor
    box: tf.Tensor
    points: tf.Tensor
    seed: tf.Tensor


class PairBatch(NamedTuple):
    """Pairs of aligned crops of faces, K pairs per element, for CIAGAN.

    Attributes:
        face: float32 [B, K, R, R, 3], 0..1, the first face.
        other_face: the same, the second face.
        landmarks: float32 [B, K, R, R, 3], 0..1, landmark map of the first face.
        mask: float32 [B, K, R, R, 1], one where the first face is masked.
        identity: int64 [B, K], of the second face, 0 ... num_identities - 1.
        num_identities: int64 [B, K], how many the data set has.
        same: float32 [B, K], one where both are of one identity, else zero.
        seed: int64 [B, K, 2], for what a trainer draws at random for the pair.
    """

    face: tf.Tensor
    other_face: tf.Tensor
    landmarks: tf.Tensor
    mask: tf.Tensor
    identity: tf.Tensor
    num_identities: tf.Tensor
    same: tf.Tensor
    seed: tf.Tensor
