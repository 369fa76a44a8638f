"""Mannequins: heads whose faces are taken away, as hard negatives."""

import cv2
import numpy as np

_WIDE, _HIGH = 0.8, 0.72  # half axes of what is smoothed, in sizes of a face box


def smooth_face(rgba: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Take the relief, the glasses and the shadows off the face of a head.

    Args:
        rgba: uint8 [S, S, 4], straight alpha; not changed.
        box: float [4], yxyx relative, where a face would be.

    Returns:
        uint8 [S, S, 4]; inside an ellipse about the box, only the soft light on an
        even surface is left. Alpha is as it was.
    """
    side = rgba.shape[0]
    middle = (box[:2] + box[2:]) / 2 * side
    radii = (box[2:] - box[:2]) * (_HIGH, _WIDE) * side
    low = np.maximum(np.floor(middle - radii), 0).astype(int)
    high = np.minimum(np.ceil(middle + radii), side).astype(int)
    part = rgba[low[0] : high[0], low[1] : high[1]]
    rows, columns = np.mgrid[low[0] : high[0], low[1] : high[1]]
    distance = np.hypot((rows - middle[0]) / radii[0], (columns - middle[1]) / radii[1])
    share = np.clip((1 - distance) * 6, 0, 1)[..., None]
    even = cv2.resize(_light(part), part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    result = rgba.copy()
    mixed = part[..., :3] * (1 - share) + cv2.blur(even, (31, 31)) * share
    result[low[0] : high[0], low[1] : high[1], :3] = mixed
    return result


def _light(part: np.ndarray) -> np.ndarray:
    """Return 3 x 3 colours of a head, float32, near its usual brightness."""
    solid = part[part[..., 3] > 200][:, :3]
    usual = np.median(solid, axis=0) if len(solid) else np.full(3, 128.0)
    light = np.ones((3, 3, 1))
    for row, band in enumerate(np.array_split(part, 3, axis=0)):
        for column, cell in enumerate(np.array_split(band, 3, axis=1)):
            values = cell[cell[..., 3] > 200][:, :3]
            if len(values):
                light[row, column] = np.median(values.sum(1)) / max(usual.sum(), 1)
    return (usual * np.clip(light, 0.8, 1.15)).astype(np.float32)
