"""--mode=evaluate --predictions=DIR: AP of a folder of prediction files alone."""

import pathlib

from safefakes_tf.config import EvaluatePredictions
from safefakes_tf.evaluation import ground_truth, prediction_files, results
from safefakes_tf.evaluation.wider_face import Result


def run(settings: EvaluatePredictions, workdir: pathlib.Path) -> Result:
    """Evaluate prediction files against the WIDER FACE ground truth.

    Args:
        settings: `ground_truth` is what `ground_truth.load` reads.
        workdir: gets `evaluation.json` and `precision_recall.png`.

    Raises:
        ValueError: if a folder or file is absent or malformed.
    """
    truth = ground_truth.load(settings.ground_truth)
    found = prediction_files.read(settings.predictions, truth)
    print(f"predictions: {settings.predictions}")
    return results.report(truth, found, settings.inference.ap_arithmetic, workdir)
