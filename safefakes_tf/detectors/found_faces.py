"""Faces that a detector found on a photo, as boxes that hide them."""

from typing import NamedTuple

import numpy as np

from safefakes_tf.detectors.registry import Detector


class FoundFaces(NamedTuple):
    """The faces of a photo, by falling score.

    Attributes:
        boxes: int64 [N, 4], x y width height in px, inside the photo.
        scores: float64 [N], from 0 to 1.
    """

    boxes: np.ndarray
    scores: np.ndarray


def find(detector: Detector, photo: np.ndarray, margin: float) -> FoundFaces:
    """Find the faces of a photo, and grow their boxes.

    A detector's box ends at brows and chin, and a little of the face lies beyond it.

    Args:
        detector: see `registry`.
        photo: uint8 [H, W, 3], RGB, upright.
        margin: share of its width and height by which a box grows on each side.
    """
    found = detector.detect(photo).astype(np.float64)
    found = found[np.argsort(-found[:, 0], kind="stable")]
    size = np.array(photo.shape[1::-1])
    near, far = found[:, [2, 1]] * size, found[:, [4, 3]] * size
    grown = margin * (far - near)
    near = np.maximum(np.floor(near - grown), 0)
    far = np.minimum(np.ceil(far + grown), size)
    boxes = np.concatenate([near, far - near], axis=1).astype(np.int64)
    visible = (boxes[:, 2:] > 0).all(axis=1)
    return FoundFaces(boxes[visible], found[visible, 0])
