"""Assigns anchors to faces.

Source: dsfd.md, section 7.
"""

import tensorflow as tf

from safefakes_tf import boxes as box_ops

# Faces of each photo that are compared with all anchors at once: the table of overlaps
# of a crowd of a thousand would not fit into memory.
CHUNK = 16


def match(
    boxes: tf.Tensor,
    num_boxes: tf.Tensor,
    anchors: tf.Tensor,
    threshold: float,
    dtype: tf.DType = tf.float32,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Assign anchors to the faces of each photo of a batch.

    An anchor is positive where its best overlap reaches the threshold; besides, every
    face gets the anchor that overlaps it most, at any overlap. All shapes follow from
    those of the arguments, so that XLA can compile it.

    Args:
        boxes: float32 [B, G, 4], yxyx relative, of positive width and height, padded.
        num_boxes: int32 [B]; the first so many rows of a photo are faces.
        anchors: float32 [P, 4], (cx, cy, w, h) relative.
        threshold: overlap from which on an anchor is positive, 0..1.
        dtype: of the offsets.

    Returns:
        (int32 [B, P] labels, 1 face, 0 background;
        [B, P, 4] offsets of the assigned faces, 0 at background).

    Source: dsfd.md, section 7.
    """
    num_photos, num_rows = tf.unstack(tf.shape(boxes)[:2])
    missing = tf.maximum(CHUNK - num_rows, -num_rows % CHUNK)
    boxes = tf.pad(boxes, [[0, 0], [0, missing], [0, 0]])
    chunks = tf.reshape(boxes, [num_photos, -1, CHUNK, 4])
    corners = box_ops.from_centre_size(anchors)

    def follow(chunk, best_overlap, best_face, owner):
        numbers = chunk * CHUNK + tf.range(CHUNK)
        is_face = numbers < num_boxes[:, None]
        overlaps = box_ops.iou(tf.gather(chunks, chunk, axis=1), corners)
        overlaps = tf.where(is_face[..., None], overlaps, -1.0)

        overlap, face = _first_best(overlaps, axis=1)
        better = overlap > best_overlap  # the first of equal faces stays
        best_face = tf.where(better, chunk * CHUNK + face, best_face)

        # The later of two faces with the same best anchor owns it.
        _, best_anchor = _first_best(overlaps, axis=2)
        photo = tf.broadcast_to(tf.range(num_photos)[:, None], tf.shape(best_anchor))
        owner = tf.tensor_scatter_nd_max(
            owner,
            tf.stack([photo, best_anchor], axis=-1),
            tf.where(is_face, numbers, -1),
        )
        return chunk + 1, tf.maximum(best_overlap, overlap), best_face, owner

    shape = tf.stack([num_photos, tf.shape(anchors)[0]])
    num_chunks = (tf.reduce_max(num_boxes) + CHUNK - 1) // CHUNK
    _, best_overlap, best_face, owner = tf.while_loop(
        lambda chunk, *_: chunk < num_chunks,
        follow,
        (0, tf.fill(shape, -1.0), tf.zeros(shape, tf.int32), tf.fill(shape, -1)),
    )
    positive = (owner >= 0) | (best_overlap >= threshold)
    assigned = tf.gather(boxes, tf.where(owner >= 0, owner, best_face), batch_dims=1)
    offsets = box_ops.encode(tf.cast(assigned, dtype), tf.cast(anchors, dtype))
    offsets = tf.where(positive[..., None], offsets, tf.zeros_like(offsets))
    return tf.cast(positive, tf.int32), offsets


def _first_best(values, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the maximum and its first index, which `tf.argmax` does not promise."""
    best = tf.reduce_max(values, axis=axis, keepdims=True)
    count = tf.shape(values)[axis]
    index = tf.reshape(tf.range(count), [-1] + [1] * (len(values.shape) - 1 - axis))
    first = tf.reduce_min(tf.where(values == best, index, count), axis=axis)
    return tf.squeeze(best, axis), first
