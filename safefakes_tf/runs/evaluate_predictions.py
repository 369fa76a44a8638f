"""--mode=evaluate --predictions=DIR: AP of a folder of prediction files alone."""

import json
import pathlib

from safefakes_tf.config import Config
from safefakes_tf.evaluation import curves, ground_truth, prediction_files, wider_face

FIGURES = "evaluation.json"


def run(
    config: Config, workdir: pathlib.Path, predictions: str, truth: str | None
) -> wider_face.Result:
    """Evaluate prediction files against the WIDER FACE ground truth.

    Args:
        config: `config.inference.ap_arithmetic` is all that matters here.
        workdir: gets `evaluation.json` and `precision_recall.png`.
        predictions: folder of `<event>/<image>.txt`.
        truth: folder of the four .mat files.

    Raises:
        ValueError: if a folder or file is absent or malformed.
    """
    if not truth:
        raise ValueError(
            "--predictions needs --ground_truth, the folder of wider_face_val.mat and "
            "wider_{easy,medium,hard}_val.mat"
        )
    loaded = ground_truth.load(truth)
    found = prediction_files.read(predictions, loaded)
    print(f"predictions: {predictions}")
    return report(loaded, found, config.inference.ap_arithmetic, workdir)


def report(
    truth: ground_truth.GroundTruth,
    found: wider_face.Predictions,
    arithmetic: str,
    workdir: pathlib.Path,
) -> wider_face.Result:
    """Compute, print, plot and store the average precisions of detections."""
    result = wider_face.evaluate(truth, found, arithmetic)
    workdir.mkdir(parents=True, exist_ok=True)
    figures = {**result.ap, "mAP": result.mean_ap}
    curves.plot_precision_recall(
        {workdir.name: result}, workdir / "precision_recall.png"
    )
    # Last and at once: who finds this file takes the evaluation for finished.
    partial = workdir / f"{FIGURES}.partial"
    partial.write_text(json.dumps({**figures, "arithmetic": arithmetic}, indent=2))
    partial.replace(workdir / FIGURES)
    print("  ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    print(f"figures:     {workdir / FIGURES}")
    print(f"curves:      {workdir / 'precision_recall.png'}")
    return result
