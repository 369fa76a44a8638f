"""Average precision on WIDER FACE: easy, medium and hard at an overlap of one half.

The protocol exists as two public programmes which differ in their arithmetic. "python"
is the port that nearly every published detector reports and the default; "matlab" is
the benchmark's own programme.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from safefakes_tf.evaluation.ground_truth import GroundTruth

NUM_THRESHOLDS = 1000
MIN_OVERLAP = 0.5
ARITHMETICS = ("python", "matlab")


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Detections on the images of a `GroundTruth`, those of all images in one array.

    Attributes:
        num_boxes: int64 [I], detections per image, in the order of the ground truth.
        boxes: float64 [M, 4], left, top, width, height in pixels, image by image.
        scores: float64 [M], any range; within an image by falling score.
        stray_scores: float64 [S], scores found for images that the ground truth lacks;
            the Python arithmetic lets them take part in the normalisation.
    """

    num_boxes: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    stray_scores: np.ndarray

    @classmethod
    def from_arrays(
        cls, images: Sequence[np.ndarray], stray_scores: Sequence[float] = ()
    ) -> "Predictions":
        """Join one float [N, 5] array (x, y, w, h, score) per ground truth image."""
        rows = np.concatenate([np.zeros([0, 5]), *images], dtype=np.float64)
        counts = np.array([len(image) for image in images], np.int64)
        return cls(counts, rows[:, :4], rows[:, 4], np.array(stray_scores, np.float64))

    @property
    def starts(self) -> np.ndarray:
        """int64 [I + 1], where the detections on each image begin; the last is M."""
        return np.concatenate([[0], np.cumsum(self.num_boxes, dtype=np.int64)])


@dataclasses.dataclass(frozen=True)
class Result:
    """Precision and recall at the 1,000 thresholds, and the average precisions.

    Attributes:
        ap: difficulty -> average precision in [0, 1]; NaN for one in which no face
            counts.
        counts: int64 [D, 1000, 2], proposals and recalled faces summed over the set.
        precision: float64 [D, 1000], NaN where there is no proposal.
        recall: float64 [D, 1000].
    """

    ap: dict[str, float]
    counts: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def mean_ap(self) -> float:
        """The study's mAP: the mean of the average precisions."""
        return float(np.mean(list(self.ap.values())))


def evaluate(
    ground_truth: GroundTruth, predictions: Predictions, arithmetic: str = "python"
) -> Result:
    """Compute the WIDER FACE average precisions.

    Args:
        ground_truth: the annotated faces.
        predictions: detections on the same images in the same order. "python" takes
            the rows in their order, "matlab" sorts them by falling score.
        arithmetic: "python" or "matlab".

    Raises:
        ValueError: if the arithmetic is unknown or the images do not correspond.

    Source: Yang et al., WIDER FACE, CVPR 2016, section 4; wider_eval.md, sections 3
    to 6.
    """
    if arithmetic not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {ARITHMETICS}; got {arithmetic!r}")
    if len(predictions.num_boxes) != len(ground_truth.num_boxes):
        raise ValueError(
            f"predictions must cover the {len(ground_truth.num_boxes)} images of the"
            f" ground truth; got {len(predictions.num_boxes)}"
        )
    if arithmetic == "matlab":
        predictions = sort_by_score(predictions)
        overlap, scores = overlaps_int32, _normalise_float32(predictions)
    else:
        overlap, scores = overlaps_float64, _normalise_float64(predictions)
    matches = _match(ground_truth, predictions, overlap)
    # The protocol leaves out the detections on images without any face.
    usable = np.repeat(ground_truth.num_boxes > 0, predictions.num_boxes)
    first = _first_threshold(scores, predictions.starts)
    counts = _count(ground_truth.counting, matches, usable, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = counts[..., 1] / counts[..., 0]
        recall = counts[..., 1] / ground_truth.num_faces[:, np.newaxis]
    ap = {
        difficulty: average_precision(recall[row], precision[row])
        for row, difficulty in enumerate(ground_truth.difficulties)
    }
    return Result(ap, counts, precision, recall)


def average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Integrate precision over recall after making it non-increasing.

    Args:
        recall: float [T], rising.
        precision: float [T]; NaN where there is no proposal.

    Returns:
        The average precision, or NaN where recall is undefined.

    Source: wider_eval.md, section 5; Everingham et al., PASCAL VOC 2010.
    """
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    # fmax passes over NaN, which stands only where recall is still 0.
    envelope = np.fmax.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall)
    changed = steps != 0
    return float(np.sum(steps[changed] * envelope[1:][changed]))


def sort_by_score(predictions: Predictions) -> Predictions:
    """Sort each image's rows by falling score; equal scores keep their order."""
    image = np.repeat(np.arange(len(predictions.num_boxes)), predictions.num_boxes)
    order = np.lexsort([-predictions.scores, image])
    return dataclasses.replace(
        predictions, boxes=predictions.boxes[order], scores=predictions.scores[order]
    )


# === Overlap ===


def overlaps_float64(predicted: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """Intersection over union in which a box of width 0 covers one pixel.

    Args:
        predicted: float64 [P, 4], left, top, width, height in pixels.
        annotated: int or float [G, 4], likewise.

    Returns:
        float64 [P, G], 0 where the boxes do not meet.

    Source: wider_eval.md, section 4, step 2.
    """
    left, top, right, bottom, areas = _meet(predicted, annotated)
    inter = _pixels(left, right) * _pixels(top, bottom)
    union = areas - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=inter > 0)


def overlaps_int32(predicted: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """Overlap as MATLAB computes it when the annotation stays int32: 0 or 1.

    Corners of the common part, the sum of the areas and the ratio itself are rounded
    to whole numbers, halves away from zero.

    Args:
        predicted: float64 [P, 4], left, top, width, height in pixels.
        annotated: int32 [G, 4], likewise.

    Returns:
        float64 [P, G] of whole numbers.

    Source: wider_eval.md, section 6, first row.
    """
    left, top, right, bottom, areas = map(_round, _meet(predicted, annotated))
    inter = _pixels(left, right) * _pixels(top, bottom)
    union = areas - inter
    with np.errstate(divide="ignore"):
        ratio = np.divide(inter, union, out=np.zeros_like(inter), where=inter > 0)
    return _round(ratio)


def _meet(predicted, annotated):
    """Return corners of the common part and sum of the areas of each pair, [P, G]."""
    x, y, width, height = predicted.T[:, :, np.newaxis]
    gx, gy, gwidth, gheight = annotated.T.astype(np.float64)[:, np.newaxis, :]
    right, bottom, gright, gbottom = x + width, y + height, gx + gwidth, gy + gheight
    return (
        np.maximum(x, gx),
        np.maximum(y, gy),
        np.minimum(right, gright),
        np.minimum(bottom, gbottom),
        # Not `width + 1`: x + width - x rounds, and the protocol has it so.
        (right - x + 1) * (bottom - y + 1) + (gright - gx + 1) * (gbottom - gy + 1),
    )


def _pixels(first, last):
    return np.maximum(last - first + 1, 0.0)


def _round(values):
    return np.trunc(values + np.copysign(0.5, values))


# === Matching and counting ===


def _match(ground_truth, predictions, overlap):
    """Return int64 [M], the face that each detection overlaps most, by at least a half.

    It is the face's row in the ground truth, -1 if there is none.
    """
    matches = np.full(len(predictions.scores), -1, np.int64)
    first, starts = predictions.starts, ground_truth.starts
    for image in np.flatnonzero(ground_truth.num_boxes * predictions.num_boxes):
        rows = slice(first[image], first[image + 1])
        faces = ground_truth.boxes[starts[image] : starts[image + 1]]
        table = overlap(predictions.boxes[rows], faces)
        best = table.argmax(axis=1)
        enough = table[np.arange(len(best)), best] >= MIN_OVERLAP
        matches[rows] = np.where(enough, best + starts[image], -1)
    return matches


def _first_threshold(scores, starts):
    """Return int64 [M], the first threshold at which each detection counts, or 1000.

    A detection counts as soon as itself **or any later one of its image** reaches the
    threshold, since the protocol cuts after the last that does.
    """
    images = np.split(scores, starts[1:-1])
    best_later = np.concatenate(
        [np.maximum.accumulate(image[::-1])[::-1] for image in images]
    )
    thresholds = 1 - (np.arange(NUM_THRESHOLDS) + 1) / NUM_THRESHOLDS
    # How many thresholds the score reaches, searched on rising ones; NaN reaches none.
    reached = np.searchsorted(thresholds[::-1], best_later, side="right")
    return np.where(np.isnan(best_later), NUM_THRESHOLDS, NUM_THRESHOLDS - reached)


def _count(counting, matches, usable, first_threshold):
    """Return int64 [D, 1000, 2], proposals and recalled faces over the set."""
    matched = matches >= 0
    recalling = np.zeros_like(matched)
    # A face is recalled by the first detection on it; later ones are false alarms.
    rows = np.flatnonzero(matched)
    recalling[rows[np.unique(matches[rows], return_index=True)[1]]] = True
    counts = np.empty([len(counting), NUM_THRESHOLDS, 2], np.int64)
    for row in range(len(counting)):
        counts_here = counting[row][matches] if counting.shape[1] else matched
        proposal = usable & (counts_here | ~matched)
        recalled = recalling & counts_here
        for column, chosen in enumerate((proposal, recalled)):
            added = np.bincount(first_threshold[chosen], minlength=NUM_THRESHOLDS + 1)
            counts[row, :, column] = np.cumsum(added)[:NUM_THRESHOLDS]
    return counts


# === Scores ===


def _normalise_float64(predictions):
    """Stretch the scores to [0, 1] as the Python port does (section 3)."""
    scores = np.concatenate([predictions.scores, predictions.stray_scores])
    low, high = np.min(scores, initial=1.0), np.max(scores, initial=0.0)
    with np.errstate(invalid="ignore"):
        return (predictions.scores - low) / (high - low)


def _normalise_float32(predictions):
    """Stretch the scores to [0, 1] in single precision as MATLAB does (section 6)."""
    scores = predictions.scores.astype(np.float32)
    limits = np.finfo(np.float32)
    low = np.min(scores, initial=limits.max)
    high = np.max(scores, initial=limits.tiny)
    with np.errstate(invalid="ignore"):
        return ((scores - low) / (high - low)).astype(np.float64)
