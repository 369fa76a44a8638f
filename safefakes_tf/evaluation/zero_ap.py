"""What looks odd about detections of which an average precision is about 0."""

import numpy as np

from safefakes_tf.evaluation import wider_face
from safefakes_tf.evaluation.ground_truth import GroundTruth

_FEW = 0.01  # share of the detections
_ASK = (
    "is this detector trained, are these its photos, of their own size and not padded?"
)


def reason(truth: GroundTruth, predictions: wider_face.Predictions) -> str:
    """Return the likely reason, in one line.

    Args:
        truth: the annotated faces.
        predictions: on the same photos.
    """
    num, scores = len(predictions.scores), predictions.scores
    if not num:
        return "there is no detection on any photo"
    if np.ptp(scores) == 0:
        return (
            f"all {num} detections have the score {scores[0]:g}, by which no threshold "
            "can tell them apart; write the detector's own scores"
        )
    best = np.concatenate(
        [
            wider_face.overlaps_float64(boxes, faces).max(axis=1, initial=0)
            for boxes, faces in zip(
                np.split(predictions.boxes, predictions.starts[1:-1]),
                np.split(truth.boxes, truth.starts[1:-1]),
                strict=True,
            )
        ]
    )
    met = best >= wider_face.MIN_OVERLAP
    if not met.any():
        return (
            f"none of {num} detections overlaps a face by half, the best one by "
            f"{best.max():.2f}; {_ASK}"
        )
    if met.mean() < _FEW:
        return f"only {met.sum()} of {num} detections overlap a face by half; {_ASK}"
    return (
        f"{met.sum()} of {num} detections overlap a face by half, but these faces do "
        "not count, or hardly any of them"
    )
