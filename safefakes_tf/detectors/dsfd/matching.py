"""Assigns anchors to faces.

Source: dsfd.md, section 7.
"""

import tensorflow as tf

from safefakes_tf import boxes as box_ops

WHOLE_PHOTO = ((0.0, 0.0, 1.0, 1.0),)


def match(
    boxes: tf.Tensor, num_boxes: tf.Tensor, anchors: tf.Tensor, threshold: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Assign anchors to the faces of one photo.

    An anchor is positive where its best overlap reaches the threshold; besides, every
    face gets the anchor that overlaps it most, at any overlap.

    Args:
        boxes: float32 [G, 4], yxyx relative, of positive width and height, padded.
        num_boxes: int32 scalar; the first so many rows are faces.
        anchors: float32 [P, 4], (cx, cy, w, h) relative.
        threshold: overlap from which on an anchor is positive, 0..1.

    Returns:
        (int32 [P] labels, 1 face, 0 background;
        float32 [P, 4] offsets of the assigned faces, 0 at background).

    Source: dsfd.md, section 7.
    """
    # A row that overlaps nothing follows the faces, so that a photo without any needs
    # no branch. It is a real box: the offsets of a zero-sized one would be infinite.
    faces = tf.concat([boxes[:num_boxes], tf.constant(WHOLE_PHOTO)], axis=0)
    is_face = tf.range(num_boxes + 1) < num_boxes
    overlaps = box_ops.iou(faces, box_ops.from_centre_size(anchors))
    overlaps = tf.where(is_face[:, None], overlaps, -1.0)

    best_overlap, best_face = _first_best(overlaps, axis=0)
    _, best_anchor = _first_best(overlaps, axis=1)
    # The later of two faces with the same best anchor owns it.
    face_numbers = tf.where(is_face, tf.range(num_boxes + 1), -1)
    owner = tf.tensor_scatter_nd_max(
        tf.fill(tf.shape(anchors)[:1], -1), best_anchor[:, None], face_numbers
    )
    positive = (owner >= 0) | (best_overlap >= threshold)
    assigned = tf.gather(faces, tf.where(owner >= 0, owner, best_face))
    offsets = tf.where(positive[:, None], box_ops.encode(assigned, anchors), 0.0)
    return tf.cast(positive, tf.int32), offsets


def _first_best(values, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the maximum and its first index, which `tf.argmax` does not promise."""
    best = tf.reduce_max(values, axis=axis, keepdims=True)
    count = tf.shape(values)[axis]
    index = tf.expand_dims(tf.range(count), 1 - axis)
    first = tf.reduce_min(tf.where(values == best, index, count), axis=axis)
    return tf.squeeze(best, axis), first


def match_batch(
    boxes: tf.Tensor, num_boxes: tf.Tensor, anchors: tf.Tensor, threshold: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Apply `match` to each photo of a batch.

    Args:
        boxes: float32 [B, G, 4]; num_boxes: int32 [B]; anchors, threshold: as there.

    Returns:
        (int32 [B, P] labels, float32 [B, P, 4] offsets).
    """
    # Photo by photo, so that the table of overlaps has as many rows as there are faces,
    # not as many as in the most crowded photo of the batch.
    return tf.map_fn(
        lambda photo: match(*photo, anchors, threshold),
        (boxes, num_boxes),
        fn_output_signature=(
            tf.TensorSpec(anchors.shape[:1], tf.int32),
            tf.TensorSpec(anchors.shape, tf.float32),
        ),
    )
