"""Recognises predictions on photos of another size than the annotated ones.

A detector may have seen all photos at one scale, or each at a scale of its own, as
where a side was brought to 640 pixels. If its boxes were not scaled back, the average
precision is low for no fault of the detector. A detection and its face tell the scale:
it is the ratio of their centres.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import logging

from safefakes_tf.evaluation import wider_face
from safefakes_tf.evaluation.ground_truth import GroundTruth

_MAX_IMAGES = 300  # enough to tell, and a small part of the evaluation's time
_STEP = 0.02  # of the logarithm of a scale, as pairs of boxes vote for it
_SAME_SIZE = 0.3  # by which the logarithms of ratios of sizes and centres may differ
_OTHER_SIZE = 0.05  # logarithm of a scale that rounding does not explain
_MIN_MET = 10  # faces; fewer are met by chance
_MIN_SHARE = 0.02  # of the faces, likewise
_MIN_RATIO = 2.5  # to the faces that are met without scaling
_MIN_RESIZED = 0.1  # share of the photos of which some are told
_ADVICE = "take off any padding, then divide them by the scale of each photo"
_ALIKE = 1.15  # ratio of scales up to which photos were resized alike


class _Fit(NamedTuple):
    """The scale at which the detections on a photo meet most of its faces.

    Attributes:
        scale: float64 [2], of width and height.
        met: faces beside the one that gave the scale; at a scale of 1, all.
    """

    scale: np.ndarray
    met: int


def check(predictions: wider_face.Predictions, ground_truth: GroundTruth) -> None:
    """Refuse detections on photos of another size; warn where only some have another.

    Args:
        predictions: the whole set, each image's rows by falling score.
        ground_truth: the annotated faces of the same images.

    Raises:
        ValueError: telling the scales, and what to do.
    """
    photos = list(sample(predictions, predictions.boxes, ground_truth))
    as_they_are = sum(num_met(*photo) for photo in photos)
    votes = [_votes(*photo) for photo in photos]
    alike = _fit_of_all(photos, votes)
    fits = [
        _fit_of_one(boxes, faces, scales)
        for (boxes, faces), scales in zip(photos, votes, strict=True)
        if len(faces) > 1
    ]
    others = np.array([fit.scale for fit in fits if _is_another(fit)]).reshape(-1, 2)
    met = max(alike.met, sum(fit.met for fit in fits))
    enough = max(_MIN_MET, _MIN_SHARE * sum(len(faces) for _, faces in photos))
    if met >= enough and met > _MIN_RATIO * as_they_are:
        raise ValueError(
            "boxes must be x y w h in pixels of the annotated photos; these seem to be "
            f"of photos {_told(others, alike)} (read so, they meet {met} faces of a "
            f"sample, else {as_they_are}): {_ADVICE}"
        )
    if len(others) >= max(_MIN_MET, _MIN_RESIZED * len(fits)):
        logging.warning(
            "boxes on %d of %d photos with several faces seem to be of photos %s: %s, "
            "or AP is too low",
            len(others), len(fits), _told(others, None), _ADVICE,
        )  # fmt: skip


def sample(
    predictions: wider_face.Predictions, boxes: np.ndarray, ground_truth: GroundTruth
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the best detections, and the faces, of some of the images.

    Args:
        predictions: the whole set, each image's rows by falling score.
        boxes: theirs, float64 [M, 4], or in another reading.
        ground_truth: the annotated faces of the same images.
    """
    first, starts = predictions.starts, ground_truth.starts
    both = np.flatnonzero((ground_truth.num_boxes > 0) & (predictions.num_boxes > 0))
    for image in both[:: 1 + len(both) // _MAX_IMAGES]:
        faces = ground_truth.boxes[starts[image] : starts[image + 1]]
        faces = faces[(faces[:, 2:] > 0).all(axis=1)]
        # As many detections as faces, and some more: weak ones only meet by chance.
        yield boxes[first[image] : first[image + 1]][: len(faces) + 4], faces


def num_met(boxes: np.ndarray, faces: np.ndarray) -> int:
    """Return how many faces boxes overlap by half; [P, 4] and [G, 4], x y w h."""
    overlaps = wider_face.overlaps_float64(boxes, faces)
    return np.count_nonzero((overlaps >= wider_face.MIN_OVERLAP).any(axis=0))


def _fit_of_all(photos, votes):
    """Return the best scale that all photos share."""
    fits = [
        _Fit(
            scale,
            sum(num_met(_unscaled(boxes, scale), faces) for boxes, faces in photos),
        )
        for scale in _most_voted(np.concatenate([np.zeros([0, 2]), *votes]), 2)
    ]
    return max(fits, key=lambda fit: fit.met, default=_Fit(np.ones(2), 0))


def _fit_of_one(boxes, faces, votes):
    """Return the best scale of a photo, 1 if it is as good as any.

    One detection and one face always give a scale: that face proves nothing.
    """
    fits = [
        _Fit(scale, num_met(_unscaled(boxes, scale), faces) - 1)
        for scale in _most_voted(votes, 2)
    ]
    return max(
        [_Fit(np.ones(2), num_met(boxes, faces)), *fits], key=lambda fit: fit.met
    )


def _is_another(fit):
    return fit.met > 1 and np.abs(np.log(fit.scale)).max() > _OTHER_SIZE


def _votes(boxes, faces):
    """Return the logarithms of the scales, [V, 2], that pairs of boxes may have.

    Of a detection and its face, the centres differ by the scale exactly, the sizes
    roughly.
    """
    one, other = _centres_and_sizes(boxes)[:, None], _centres_and_sizes(faces)
    with np.errstate(divide="ignore", invalid="ignore"):
        scales = np.log(one / other)  # NaN for what has no size
        centres, sizes = np.split(scales, 2, axis=-1)
        return centres[(np.abs(sizes - centres) < _SAME_SIZE).all(axis=-1)]


def _most_voted(votes, num):
    """Return the scales, float64 [2], that most votes agree on, `num` at most."""
    bins, counts = np.unique(np.round(votes / _STEP), axis=0, return_counts=True)
    best = bins[np.argsort(-counts, kind="stable")[:num]] * _STEP
    near = [np.abs(votes - each).max(axis=1) <= _STEP for each in best]
    return [np.exp(np.median(votes[each], axis=0)) for each in near]


def _centres_and_sizes(boxes):
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def _unscaled(boxes, scale):
    return boxes / np.tile(scale, 2)


def _told(scales, alike):
    """Return in words how photos were resized: most of them, if not all alike."""
    low, high = np.quantile(scales, [0.1, 0.9], axis=0) if len(scales) else (1, 1)
    if alike and np.max(high / low) < _ALIKE:
        wide, tall = (f"{scale:.4g}" for scale in alike.scale)
        return f"{wide} times as wide and {tall} times as high"
    wide, tall = (
        f"{least:.2f}"
        if round(least, 2) == round(most, 2)
        else f"{least:.2f} to {most:.2f}"
        for least, most in zip(low, high, strict=True)
    )
    return f"{wide} times as wide and {tall} times as high, each at a scale of its own"
