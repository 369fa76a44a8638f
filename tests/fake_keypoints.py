"""A detector for tests: it lays the keypoints of an upright face into every box."""

import numpy as np

from safefakes_tf import faces
from safefakes_tf.keypoints import layouts, search


def _arc(centre, radius, begin, end, count):
    angles = np.radians(np.linspace(begin, end, count))
    return np.array(centre) + np.array(radius) * np.stack(
        [np.cos(angles), np.sin(angles)], axis=1
    )


def _shape():
    """Return float32 [68, 2], y x in heights and widths of the face's box."""
    eye = [(0.42, x) for x in (0.0, 0.06, 0.12)]
    eyes = [
        [(y, x + near) for y, x in eye] + [(y + 0.03, x + near) for y, x in eye[::-1]]
        for near in (0.25, 0.62)
    ]
    parts = [
        _arc((0.4, 0.5), (0.58, 0.48), -90, 90, 17),
        _arc((0.36, 0.3), (-0.06, 0.14), -80, 80, 5),
        _arc((0.36, 0.7), (-0.06, 0.14), -80, 80, 5),
        np.stack([np.linspace(0.42, 0.6, 4), np.full(4, 0.5)], axis=1),
        np.stack([np.full(5, 0.65), np.linspace(0.42, 0.58, 5)], axis=1),
        *np.array(eyes),
        _arc((0.8, 0.5), (-0.06, 0.18), -90, 240, 12),
        _arc((0.8, 0.5), (-0.03, 0.14), -90, 225, 8),
    ]
    return np.concatenate(parts).astype(np.float32)


SHAPE = _shape()


class FakeDetector:
    """See the module; narrow faces are not found, as by a real one."""

    MIN_WIDTH = 0.1  # of the photo's width

    def __init__(self, models: str | None = None, layout: str = layouts.FOUND):
        """Take what a real one takes."""

    def find(self, photo: np.ndarray, boxes: np.ndarray) -> search.Found:
        """Return the keypoints of the faces of a photo; see `search.Detector`."""
        seen = boxes[:, 3] - boxes[:, 1] >= self.MIN_WIDTH
        keypoints = np.zeros([len(boxes), layouts.NUM_FOUND, 2], np.float32)
        keypoints[seen, : layouts.NUM_KEYPOINTS["ibug68"]] = in_boxes(boxes[seen])
        source = np.where(seen, faces.MESH, faces.NOT_FOUND)
        return search.Found(keypoints, source, boxes * seen[:, np.newaxis])

    def close(self) -> None:
        """Free nothing: it holds nothing."""


def in_boxes(boxes: np.ndarray) -> np.ndarray:
    """Lay the face into boxes.

    Args:
        boxes: float32 [N, 4], yxyx.

    Returns:
        float32 [N, 68, 2], y x, layout `ibug68`; zero in a box that is not finite.
    """
    near, far = boxes[:, np.newaxis, :2], boxes[:, np.newaxis, 2:]
    return np.nan_to_num(near + SHAPE * (far - near)).astype(np.float32)
