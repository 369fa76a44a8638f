"""The record that every stage takes and returns, and the faces inside it.

Between stages a photo is a flat dict under the keys below (what TFDS stores and
`tf.data` carries); inside functions its faces are a `Faces`.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

IMAGE = "image"  # uint8 [H, W, 3], RGB
FILENAME = "image/filename"  # string; path in the source, TFDS key, seed source
BBOX = "faces/bbox"  # float32 [N, 4], yxyx in [0, 1]
# int32 [N, 4], x y width height as annotated, or what came out for BBOX_SOURCE.
BBOX_PIXELS = "faces/bbox_pixels"
BBOX_SOURCE = "faces/bbox_source"  # class label [N], one of BOX_SOURCES
HEAD_PIXELS = "faces/head_pixels"  # int32 [N, 4], x y width height as annotated
SUBSET = "faces/subset"  # class label [N], of the data set's own
# float32 [N, 4], yxyx in [0, 1]: the surroundings that a generator sees of a face,
# where photos were cut to them.
CONTEXT = "faces/context"
KEYPOINTS = "faces/keypoints"  # float32 [N, K, 2], y x in [0, 1]; zero where absent
HAS_KEYPOINTS = "faces/has_keypoints"  # bool [N]
KEYPOINTS_SOURCE = "faces/keypoints_source"  # class label [N], one of SOURCES
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

SOURCES = ("none", "mesh", "blazeface")  # who found the keypoints
NOT_FOUND, MESH, BLAZEFACE = range(3)

# Where boxes come from: annotated; of what found the keypoints; of an annotated head,
# of five annotated points, or, as nobody's face may get out, the whole photo.
BOX_SOURCES = ("annotated", "mesh", "blazeface", "head", "points", "photo")
FROM_ANNOTATION, FROM_MESH, FROM_BLAZEFACE, FROM_HEAD = range(4)
FROM_POINTS, FROM_PHOTO = 4, 5

Record = dict[str, Any]

# Number of classes.
_LABELS = {ACTION: len(ACTIONS), KEYPOINTS_SOURCE: len(SOURCES), BLUR: 3, OCCLUSION: 3}
_LABELS[BBOX_SOURCE] = len(BOX_SOURCES)
_LABELS |= dict.fromkeys((EXPRESSION, ILLUMINATION, POSE), 2)
# Type, and shape of one face; None fits any size.
_KINDS = {
    BBOX: (np.float32, (4,)),
    BBOX_PIXELS: (np.int32, (4,)),
    HEAD_PIXELS: (np.int32, (4,)),
    CONTEXT: (np.float32, (4,)),
    KEYPOINTS: (np.float32, (None, 2)),
    IDENTITY: (np.int64, ()),
    **dict.fromkeys(_LABELS, (np.int64, ())),
    **dict.fromkeys((HAS_KEYPOINTS, INVALID, EASY, MEDIUM, HARD), (np.bool_, ())),
}


class Faces(NamedTuple):
    """The faces of one photo.

    Attributes:
        boxes: float32 [N, 4], yxyx, relative to the image; may reach beyond it.
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


def validate(record: Record) -> None:
    """Check an eager record: photo, file name and faces.

    Args:
        record: NumPy arrays or eager tensors under the keys above.

    Raises:
        ValueError: telling the key, what was expected, what came and what to do.
    """
    image = _array(record, IMAGE)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        _refuse(IMAGE, "uint8 [H, W, 3]", _kind(image), "decode with channels=3")
    if 0 in image.shape:
        _refuse(IMAGE, "at least one pixel", _kind(image), "drop the photo")
    validate_faces(record)


def validate_faces(record: Record) -> None:
    """Check an eager record as `validate` does, but for its photo.

    That may still be encoded.
    """
    name = _array(record, FILENAME).item()
    if not isinstance(name, str | bytes) or not name:
        _refuse(FILENAME, "a text", repr(name), "give the photo's path in the source")
    boxes = _array(record, BBOX)
    count = len(boxes) if boxes.ndim else 0
    for key in _KINDS:  # boxes first: the others must have as many rows
        if key in record:
            _check_kind(key, _array(record, key), count)
    _check_boxes(boxes)
    if KEYPOINTS in record and not np.isfinite(_array(record, KEYPOINTS)).all():
        advice = f"clear {HAS_KEYPOINTS} there"
        _refuse(KEYPOINTS, "finite", "NaN or infinity", advice)
    for key, classes in _LABELS.items():
        labels = np.asarray(record.get(key, ()))
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            expected = f"class labels 0..{classes - 1}"
            came = f"{labels.min()}..{labels.max()}"
            _refuse(key, expected, came, "correct the annotation")


def _check_kind(key, array, count):
    dtype, of_face = _KINDS[key]
    shape = (count, *of_face)
    fits = array.ndim == len(shape) and all(
        wanted in (None, got) for wanted, got in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        sizes = ", ".join("K" if size is None else str(size) for size in shape)
        expected = f"{np.dtype(dtype).name} [{sizes}]"
        _refuse(key, expected, _kind(array), f"one row per row of {BBOX}")


def _check_boxes(boxes):
    expected = "float32 [N, 4] in [0, 1]"
    if not np.isfinite(boxes).all():
        _refuse(BBOX, expected, "NaN or infinity", "drop these faces")
    if boxes.size and boxes.max() > 1:
        advice = "pixel boxes? convert with boxes.from_xywh_pixels"
        _refuse(BBOX, expected, f"max {boxes.max():.1f}", advice)
    if boxes.size and boxes.min() < 0:
        _refuse(BBOX, expected, f"min {boxes.min():.3f}", "clip to the photo")
    (wrong,) = np.nonzero((boxes[:, :2] > boxes[:, 2:]).any(axis=1))
    if wrong.size:
        came = f"{boxes[wrong[0]].tolist()} in row {wrong[0]}"
        _refuse(BBOX, "ymin <= ymax and xmin <= xmax", came, "order is yxyx")


def _array(record, key):
    if key not in record:
        _refuse(key, "in the record", "no such key", "see faces.py")
    return np.asarray(record[key])


def _kind(array):
    return f"{array.dtype.name} {list(array.shape)}"


def _refuse(key, expected, received, advice):
    raise ValueError(f"{key} must be {expected}; got {received} — {advice}")
