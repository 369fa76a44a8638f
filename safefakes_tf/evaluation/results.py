"""Writes what an evaluation found: the numbers, and the plot."""

import json
import pathlib

from safefakes_tf import atomic
from safefakes_tf import workdir as files
from safefakes_tf.evaluation import curves, wider_face, zero_ap
from safefakes_tf.evaluation.ground_truth import GroundTruth

_SHOWN = 0.00005  # the least AP that is printed as more than 0


def read(path: pathlib.Path) -> dict[str, float]:
    """Return the average precisions that `report` stored, with their mean.

    Raises:
        ValueError: if the file is broken.
    """
    try:
        stored = json.loads(path.read_bytes())
        del stored["arithmetic"]
        if "mAP" not in stored or set(map(type, stored.values())) - {float, int}:
            raise ValueError("it does not hold average precisions")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"{path} is broken ({error}); remove it to evaluate the detector again"
        ) from error
    return stored


def report(
    truth: GroundTruth,
    predictions: wider_face.Predictions,
    arithmetic: str,
    workdir: pathlib.Path,
) -> wider_face.Result:
    """Compute, print, plot and store the average precisions of detections.

    Args:
        truth: the annotated faces.
        predictions: on the same photos.
        arithmetic: of `wider_face.evaluate`.
        workdir: gets `evaluation.json` and `precision_recall.png`.
    """
    result = wider_face.evaluate(truth, predictions, arithmetic)
    if any(value < _SHOWN for value in result.ap.values()):
        print(f"an AP is 0:  {zero_ap.reason(truth, predictions)}")
    workdir.mkdir(parents=True, exist_ok=True)
    metrics = {**result.ap, "mAP": result.mean_ap}
    plot = workdir / files.CURVES
    curves.plot_precision_recall({workdir.name: result}, plot)
    # Last and at once: who finds this file takes the evaluation for finished.
    stored = json.dumps({**metrics, "arithmetic": arithmetic}, indent=2)
    atomic.write_text(workdir / files.EVALUATION, stored)
    print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    print(f"metrics:     {workdir / files.EVALUATION}")
    print(f"curves:      {plot}")
    return result
