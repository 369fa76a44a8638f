"""--mode=evaluate --predictions=DIR: AP of a folder of prediction files alone."""

import pathlib

from safefakes_tf.config import Config
from safefakes_tf.evaluation import ground_truth, prediction_files, results, wider_face


def run(
    config: Config, workdir: pathlib.Path, predictions: str, truth: str | None
) -> wider_face.Result:
    """Evaluate prediction files against the WIDER FACE ground truth.

    Args:
        config: `config.inference.ap_arithmetic` is all that matters here.
        workdir: gets `evaluation.json` and `precision_recall.png`.
        predictions: folder of `<event>/<image>.txt`.
        truth: what `ground_truth.load` reads.

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
    return results.report(loaded, found, config.inference.ap_arithmetic, workdir)
