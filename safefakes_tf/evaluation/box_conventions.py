"""Recognises predictions whose boxes are not `x y w h` in pixels.

A wrong convention does not fail by itself: it gives a low average precision that looks
like a bad detector. The annotated faces tell the conventions apart, because the right
one meets many times more of them (on real detectors, 20 times and more).
"""

import numpy as np

from safefakes_tf.evaluation import wider_face
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
_STEP = 0.01  # of the logarithm of a scale, as pairs of boxes vote for it
_SAME_SIZE = 0.3  # by which the logarithms of ratios of sizes and centres may differ
_MAX_IMAGES = 300  # enough to tell, and a small part of the evaluation's time


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
    for wide, high in _likely_scales(predictions, ground_truth):
        name = f"of photos {wide:.4g} times as wide and {high:.4g} times as high"
        met[name] = _faces_met(predictions, ground_truth, _unscaled(wide, high))
    likely = max(met, key=met.get)
    if met[likely] >= _MIN_MET and met[likely] > _MIN_RATIO * met[_EXPECTED]:
        raise ValueError(
            f"boxes must be x y w h in pixels; these seem to be {likely} (read so,"
            f" they meet {met[likely]} faces of a sample, else {met[_EXPECTED]})"
        )


def _unscaled(wide, high):
    return lambda a, b, c, d: (a / wide, b / high, c / wide, d / high)


def _likely_scales(predictions, ground_truth):
    """Return the scales in width and height that most pairs of boxes agree on.

    Of a detection and its face, the centres differ by the scale exactly, the sizes
    roughly. Two scales, as upright and lying photos may have one each.
    """
    votes = []
    for boxes, faces in _sample(predictions, predictions.boxes, ground_truth):
        one, other = _centres_and_sizes(boxes)[:, None], _centres_and_sizes(faces)
        with np.errstate(divide="ignore", invalid="ignore"):
            scales = np.log(one / other)  # NaN for what has no size
            centres, sizes = np.split(scales, 2, axis=-1)
            votes.append(centres[(np.abs(sizes - centres) < _SAME_SIZE).all(axis=-1)])
    votes = np.concatenate([np.zeros([0, 2]), *votes])
    bins, counts = np.unique(np.round(votes / _STEP), axis=0, return_counts=True)
    best = bins[np.argsort(-counts, kind="stable")[:2]] * _STEP
    near = [np.abs(votes - each).max(axis=1) <= _STEP for each in best]
    return [np.exp(np.median(votes[each], axis=0)) for each in near]


def _centres_and_sizes(boxes):
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def _faces_met(predictions, ground_truth, convert):
    """Count the faces that the best detections of a sample of images meet."""
    boxes = np.stack(convert(*predictions.boxes.T), axis=1)
    if np.mean((boxes[:, 2:] > 0).all(axis=1)) < _MIN_POSITIVE:
        return 0
    met = 0
    for best, faces in _sample(predictions, boxes, ground_truth):
        overlaps = wider_face.overlaps_float64(best, faces)
        met += np.count_nonzero((overlaps >= wider_face.MIN_OVERLAP).any(axis=0))
    return met


def _sample(predictions, boxes, ground_truth):
    """Yield the best of the `boxes`, and the faces, of a sample of images."""
    first, starts = predictions.starts, ground_truth.starts
    both = np.flatnonzero((ground_truth.num_boxes > 0) & (predictions.num_boxes > 0))
    for image in both[:: 1 + len(both) // _MAX_IMAGES]:
        faces = ground_truth.boxes[starts[image] : starts[image + 1]]
        faces = faces[(faces[:, 2:] > 0).all(axis=1)]
        # As many detections as faces, and some more: weak ones only meet by chance.
        yield boxes[first[image] : first[image + 1]][: len(faces) + 4], faces
