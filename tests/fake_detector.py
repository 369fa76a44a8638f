"""A face detector for tests: rectangles of pure red are faces, sure ones if wide."""

import cv2
import numpy as np

from safefakes_tf.config import DetectionConfig

RED = (255, 0, 0)
WIDE = 15  # px
SURE, UNSURE = 0.9, 0.3
ROW = "fake_detector"  # module of the row in `names.DETECTORS`


class FakeDetector:
    """See the module; `num_searched` counts the photos."""

    sha256, settings = "0" * 64, ()
    num_searched = 0

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Find red rectangles; see `registry.Detector`."""
        FakeDetector.num_searched += 1
        red = (photo == RED).all(axis=2).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(red, connectivity=4)
        x, y, width, height = stats[1:, :4].T
        scores = np.where(width >= WIDE, SURE, UNSURE)
        size = np.tile(photo.shape[:2], 2)
        corners = np.stack([y, x, y + height, x + width], axis=1) / size
        return np.column_stack([scores, corners]).astype(np.float32)

    def close(self) -> None:
        """Free nothing: it holds nothing."""


def create(config: DetectionConfig) -> FakeDetector:
    """Return a detector; there is nothing to configure."""
    return FakeDetector()
