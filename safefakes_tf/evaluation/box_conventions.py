"""Recognises predictions whose boxes are not `x y w h` in pixels.

A wrong convention does not fail by itself: it gives a low average precision that looks
like a bad detector. The annotated faces tell the conventions apart, because the right
one meets many times more of them (on real detectors, 20 times and more).
"""

import numpy as np

from safefakes_tf.evaluation import photo_sizes, wider_face
from safefakes_tf.evaluation.ground_truth import GroundTruth

_EXPECTED = "x y w h"
_CONVENTIONS = {  # name -> columns to left, top, width, height
    _EXPECTED: lambda a, b, c, d: (a, b, c, d),
    "x1 y1 x2 y2": lambda a, b, c, d: (a, b, c - a, d - b),
    "y1 x1 y2 x2": lambda a, b, c, d: (b, a, d - b, c - a),
    "centre_x centre_y w h": lambda a, b, c, d: (a - c / 2, b - d / 2, c, d),
    "y x h w": lambda a, b, c, d: (b, a, d, c),
}
_MIN_MET = 10  # faces; fewer are met by chance
_MIN_RATIO = 5
_MIN_POSITIVE = 0.5  # part of the boxes that must have a positive size
_MOST = 0.9
_MAX_RELATIVE = 1.5  # boxes relative to the photo may reach beyond its border


def check_convention(
    predictions: wider_face.Predictions, ground_truth: GroundTruth
) -> None:
    """Refuse a set of predictions whose boxes are in another convention.

    Args:
        predictions: the whole set, each image's rows by falling score.
        ground_truth: the annotated faces of the same images.

    Raises:
        ValueError: if the boxes are relative to the photo, corners, centres, y before
            x, or in pixels of larger or smaller photos; the message says which.
    """
    if not predictions.boxes.size or not ground_truth.boxes.size:
        return
    # A quantile, since single boxes may reach far beyond the photo.
    reach = np.quantile(np.abs(predictions.boxes).max(axis=1), _MOST)
    if reach <= _MAX_RELATIVE < np.abs(ground_truth.boxes).max():
        raise ValueError(
            "boxes must be x y w h in pixels; these seem to be relative to the photo"
            f" (most within {reach:.4g}): multiply by its width and height"
        )
    met = {
        name: _faces_met(predictions, ground_truth, convert)
        for name, convert in _CONVENTIONS.items()
    }
    likely = max(met, key=met.get)
    if met[likely] >= _MIN_MET and met[likely] > _MIN_RATIO * met[_EXPECTED]:
        raise ValueError(
            f"boxes must be x y w h in pixels; these seem to be {likely} (read so,"
            f" they meet {met[likely]} faces of a sample, else {met[_EXPECTED]})"
        )
    photo_sizes.check(predictions, ground_truth)


def _faces_met(predictions, ground_truth, convert):
    """Count the faces that the best detections of a sample of images meet."""
    boxes = np.stack(convert(*predictions.boxes.T), axis=1)
    if np.mean((boxes[:, 2:] > 0).all(axis=1)) < _MIN_POSITIVE:
        return 0
    return sum(
        photo_sizes.num_met(best, faces)
        for best, faces in photo_sizes.sample(predictions, boxes, ground_truth)
    )
