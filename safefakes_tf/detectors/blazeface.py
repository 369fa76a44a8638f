"""MediaPipe's BlazeFace on whole photos.

It sees 128 x 128 pixels, in which a face takes an eighth of the side or more: so a
photo is looked at in squares of several sizes.
"""

import threading

import numpy as np

from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import tiles
from safefakes_tf.keypoints import mediapipe, model_files

SMALLEST = 256  # px, side of a square
NMS_IOU = 0.3


class BlazeFace:
    """See the module.

    Args:
        threshold: score from which a detection is a face.

    Raises:
        ValueError: if the model file is not on this machine.
    """

    settings = ()

    def __init__(self, threshold: float):
        path = model_files.find(mediapipe.FACE_MODEL)
        self.sha256 = model_files.SHA256[mediapipe.FACE_MODEL]
        self._network = mediapipe.blazeface(path, threshold)
        self._lock = threading.Lock()

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Find faces of all sizes down to 32 px; see `registry.Detector`."""
        size = np.array(photo.shape[:2])
        found, side = [np.zeros([0, 5])], size.max()
        while side >= min(SMALLEST, size.max()):
            for tile in tiles.grid(*size, side**2, side // 2):
                found.append(self._detect_in(photo, tile))
            side //= 2
        joined = tiles.join(np.concatenate(found), NMS_IOU)
        return (joined / [1, *size, *size]).astype(np.float32)

    def close(self) -> None:
        """Free the model."""
        self._network.close()

    def _detect_in(self, photo, tile):
        """Return float64 [M, 5], score and yxyx in px of the photo."""
        top, left, bottom, right = tile
        pixels = mediapipe.picture(photo[top:bottom, left:right])
        with self._lock:
            seen = self._network.detect(pixels).detections
        rows = []
        for each in seen:
            box, score = each.bounding_box, each.categories[0].score
            y, x = box.origin_y + top, box.origin_x + left
            rows.append([score, y, x, y + box.height, x + box.width])
        found = np.reshape(np.array(rows, np.float64), [-1, 5])
        return found[tiles.is_whole(found[:, 1:], tile, np.array(photo.shape[:2]))]


def create(config: DetectionConfig) -> BlazeFace:
    """Return the detector with the threshold of a configuration."""
    return BlazeFace(config.threshold)
