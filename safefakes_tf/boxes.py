"""Box geometry: conversions, overlap, coding against anchors, voting.

Boxes are float32 `yxyx` (ymin, xmin, ymax, xmax) relative to the photo; anchors are
`(centre x, centre y, width, height)`, relative too.
"""

import numpy as np
import tensorflow as tf

CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


def from_xywh_pixels(
    boxes_xywh_pixels: tf.Tensor | np.ndarray,
    height: float | tf.Tensor,
    width: float | tf.Tensor,
) -> tf.Tensor:
    """Convert pixel boxes to relative ones.

    Args:
        boxes_xywh_pixels: any number type [..., 4]; left, top, width, height in pixels.
        height, width: of the photo in pixels, numbers or scalars.

    Returns:
        float32 [..., 4], yxyx, relative, not clipped.
    """
    x, y, w, h = tf.unstack(tf.cast(boxes_xywh_pixels, tf.float32), axis=-1)
    high, wide = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    return tf.stack([y / high, x / wide, (y + h) / high, (x + w) / wide], axis=-1)


def from_centre_size(centre_size: tf.Tensor) -> tf.Tensor:
    """Convert (cx, cy, w, h), float32 [..., 4], to yxyx of the same shape."""
    cx, cy, w, h = tf.unstack(centre_size, axis=-1)
    return tf.stack([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2], axis=-1)


def iou(boxes: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Return the overlap of every box with every other box.

    The order of the float32 operations is the reference's: which of several equally
    good anchors a tiny face gets depends on it.

    Args:
        boxes, others: float32 [..., G, 4] and [P, 4], yxyx.

    Returns:
        float32 [..., G, P], intersection over union, 0..1.

    Source: dsfd.md, section 7, step 2.
    """
    y1, x1, y2, x2 = tf.unstack(boxes[..., None, :], axis=-1)
    other_y1, other_x1, other_y2, other_x2 = tf.unstack(others, axis=-1)
    high = tf.maximum(tf.minimum(y2, other_y2) - tf.maximum(y1, other_y1), 0.0)
    wide = tf.maximum(tf.minimum(x2, other_x2) - tf.maximum(x1, other_x1), 0.0)
    intersection = wide * high
    return intersection / (_area(boxes)[..., None] + _area(others) - intersection)


def _area(boxes):
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    return (x2 - x1) * (y2 - y1)


def encode(boxes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Express boxes as offsets from anchors.

    Args:
        boxes: float32 [..., 4], yxyx, of positive width and height (others give
            infinite offsets).
        anchors: float32 [..., 4], (cx, cy, w, h).

    Returns:
        float32 [..., 4]: offsets of cx, cy, w, h.

    Source: SSD (Liu et al., 2016), equation 2; dsfd.md, section 6.
    """
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    cx, cy, w, h = tf.unstack(anchors, axis=-1)
    return tf.stack(
        [
            ((x1 + x2) / 2 - cx) / (CENTRE_VARIANCE * w),
            ((y1 + y2) / 2 - cy) / (CENTRE_VARIANCE * h),
            tf.math.log((x2 - x1) / w) / SIZE_VARIANCE,
            tf.math.log((y2 - y1) / h) / SIZE_VARIANCE,
        ],
        axis=-1,
    )


def decode(offsets: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Return the boxes that offsets from anchors stand for: the inverse of `encode`.

    Args:
        offsets, anchors: float32 [..., 4], of and as cx, cy, w, h.

    Returns:
        float32 [..., 4], yxyx, not clipped.
    """
    dx, dy, dw, dh = tf.unstack(offsets, axis=-1)
    cx, cy, w, h = tf.unstack(anchors, axis=-1)
    wide, high = w * tf.exp(SIZE_VARIANCE * dw), h * tf.exp(SIZE_VARIANCE * dh)
    x1 = cx + dx * CENTRE_VARIANCE * w - wide / 2
    y1 = cy + dy * CENTRE_VARIANCE * h - high / 2
    return tf.stack([y1, x1, y1 + high, x1 + wide], axis=-1)


def vote(
    boxes: np.ndarray, scores: np.ndarray, min_iou: float = 0.3, max_boxes: int = 750
) -> tuple[np.ndarray, np.ndarray]:
    """Merge the detections of several passes over one photo.

    The best box left gathers all boxes that overlap it; they become one box, the mean
    of their coordinates weighted by score, with the best score. A box that gathers only
    itself is dropped: no other pass confirms it.

    Args:
        boxes: [M, 4] corners in pixels, yxyx or xyxy; sides count +1 pixel.
        scores: [M].
        min_iou: from which overlap on a box is gathered.
        max_boxes: how many merged boxes are returned at most.

    Returns:
        (float64 [K, 4], float64 [K]) by falling score.

    Source: dsfd.md, section 11.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    boxes = np.asarray(boxes, np.float64)[order]
    scores = np.asarray(scores, np.float64)[order]
    merged, best = [], []
    while len(scores) and len(merged) < max_boxes:
        gathered = _iou_of_pixels(boxes[0], boxes) >= min_iou
        if gathered.sum() > 1:
            merged.append(np.average(boxes[gathered], axis=0, weights=scores[gathered]))
            best.append(scores[0])
        boxes, scores = boxes[~gathered], scores[~gathered]
    return np.reshape(np.array(merged), [-1, 4]), np.array(best)


def _iou_of_pixels(box, others):
    """Return the overlap [M] of one pixel box with others, sides counted +1 pixel."""
    start, end = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    intersection = np.maximum(end - start + 1, 0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2] + 1).prod(axis=1)
    return intersection / ((box[2:] - box[:2] + 1).prod() + areas - intersection)
