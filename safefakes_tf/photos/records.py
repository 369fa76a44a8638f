"""The one place where boxes in pixels become a record's."""

import numpy as np

from safefakes_tf import faces


def from_pixel_boxes(boxes: np.ndarray, height: int, width: int) -> faces.Record:
    """Return the boxes of a photo under the keys of the record.

    Args:
        boxes: int32 [N, 4], x y width height in pixels, as annotated.
        height, width: of the photo in pixels.

    Returns:
        `faces/bbox_pixels` as given, and `faces/bbox` clamped to [0, 1]: a box of no or
        negative extent comes out with an extent of zero.
    """
    near, far = np.split(relative(boxes, height, width), 2, axis=1)
    corners = np.concatenate([near, np.maximum(near, far)], axis=1)
    return {faces.BBOX: np.clip(corners, 0, 1), faces.BBOX_PIXELS: boxes}


def relative(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return boxes in units of the photo.

    Args:
        boxes: any number type [N, 4], x y width height in pixels.
        height, width: of the photo in pixels.

    Returns:
        float32 [N, 4], yxyx; may reach outside [0, 1].
    """
    near, extent = np.split(boxes.astype(np.float64), 2, axis=1)
    corners = np.concatenate([near, near + extent], axis=1)[:, [1, 0, 3, 2]]
    return (corners / [height, width, height, width]).astype(np.float32)
