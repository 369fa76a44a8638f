"""Parts of a photo that a detector looks at one by one, and their detections joined."""

from collections.abc import Iterator

import cv2
import numpy as np

TOUCHING = 2  # px from the border of a tile; what ends there may go on beyond it


def grid(height: int, width: int, max_pixels: int, overlap: int) -> list[np.ndarray]:
    """Divide a photo into tiles of equal size that overlap.

    Args:
        height, width: of the photo, px.
        max_pixels: of a tile.
        overlap: px that neighbours share; what is smaller lies in one of them whole.

    Returns:
        int64 [4] each: top, left, bottom, right.
    """
    rows = columns = 1
    while _side(height, rows, overlap) * _side(width, columns, overlap) > max_pixels:
        if _side(height, rows, overlap) > _side(width, columns, overlap):
            rows += 1
        else:
            columns += 1
    return [
        np.array([top, left, bottom, right])
        for top, bottom in spread(height, rows, overlap)
        for left, right in spread(width, columns, overlap)
    ]


def _side(length, count, overlap):
    return -(-(length + (count - 1) * overlap) // count)


def spread(length: int, count: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of `count` equal parts of a length, in px."""
    side = _side(length, count, overlap)
    for part in range(count):
        begin = round(part * (length - side) / max(count - 1, 1))
        yield begin, begin + side


def is_whole(boxes: np.ndarray, tile: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Tell which boxes do not end where their tile does but the photo goes on.

    Args:
        boxes: float [M, 4], yxyx in px of the photo.
        tile: top, left, bottom, right.
        size: height and width of the photo.

    Returns:
        bool [M].
    """
    near = (boxes[:, :2] > tile[:2] + TOUCHING) | (tile[:2] == 0)
    far = (boxes[:, 2:] < tile[2:] - TOUCHING) | (tile[2:] == size)
    return (near & far).all(axis=1)


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the overlap of each box with the other in its row, float64 [M].

    Args:
        boxes, others: float [M, 4], yxyx.
    """
    near = np.maximum(boxes[:, :2], others[:, :2])
    far = np.minimum(boxes[:, 2:], others[:, 2:])
    common = np.maximum(far - near, 0).prod(axis=1)
    both = sum((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others))
    return common / np.maximum(both - common, np.finfo(np.float64).tiny)


def join(detections: np.ndarray, nms_iou: float) -> np.ndarray:
    """Drop what overlaps a better detection (greedy non-maximum suppression).

    Args:
        detections: float [M, 5], score and yxyx in px.
        nms_iou: overlap from which the weaker is dropped.

    Returns:
        Those that stay, by falling score.
    """
    if not len(detections):
        return detections
    scores, near, far = np.split(detections.astype(np.float32), [1, 3], axis=1)
    boxes = np.concatenate([near, far - near], axis=1)
    kept = cv2.dnn.NMSBoxes(boxes, scores.ravel(), 0.0, nms_iou)
    return detections[kept]
