"""The record that every stage takes and returns, and the faces inside it.

Between stages a photo is a flat dict under the keys below (what TFDS stores and
`tf.data` carries); inside functions its faces are a `Faces`.
"""

from typing import Any, NamedTuple

import tensorflow as tf

IMAGE = "image"  # uint8 [H, W, 3], RGB
FILENAME = "image/filename"  # string; path in the source, TFDS key, seed source
BBOX = "faces/bbox"  # float32 [N, 4], yxyx in [0, 1]
BBOX_PIXELS = "faces/bbox_pixels"  # int32 [N, 4], x y width height as annotated
KEYPOINTS = "faces/keypoints"  # float32 [N, K, 2], y x in [0, 1]; zero where absent
HAS_KEYPOINTS = "faces/has_keypoints"  # bool [N]
IDENTITY = "faces/identity"  # int64 [N]; -1 where unknown
ACTION = "faces/action"  # class label [N], one of ACTIONS
BLUR = "faces/blur"  # class label 0..2: clear, normal, heavy
EXPRESSION = "faces/expression"  # 0..1: typical, exaggerated
ILLUMINATION = "faces/illumination"  # 0..1: normal, extreme
OCCLUSION = "faces/occlusion"  # 0..2: none, partial, heavy
POSE = "faces/pose"  # 0..1: typical, atypical
INVALID = "faces/invalid"  # bool [N]
EASY, MEDIUM, HARD = "faces/easy", "faces/medium", "faces/hard"  # bool [N]

ACTIONS = ("kept", "generated", "blacked_out")
KEPT, GENERATED, BLACKED_OUT = range(3)

Record = dict[str, Any]


class Faces(NamedTuple):
    """The faces of one photo.

    Attributes:
        boxes: float32 [N, 4], yxyx, relative to the image, in [0, 1].
        keypoints: float32 [N, K, 2], y x, relative to the image; K is 0 where the
            data set carries none.
        has_keypoints: bool [N].
    """

    boxes: tf.Tensor
    keypoints: tf.Tensor
    has_keypoints: tf.Tensor


def from_record(record: Record) -> Faces:
    """Return the faces of a record, with empty keypoints where it has none."""
    boxes = tf.cast(record[BBOX], tf.float32)
    count = tf.shape(boxes)[0]
    keypoints = record.get(KEYPOINTS, tf.zeros([count, 0, 2], tf.float32))
    has_keypoints = record.get(HAS_KEYPOINTS, tf.zeros([count], tf.bool))
    return Faces(boxes, keypoints, has_keypoints)
