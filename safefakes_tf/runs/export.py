"""--mode=export: SavedModels of an anonymizer, and of the detector if there is one."""

import pathlib

from safefakes_tf import atomic, export
from safefakes_tf import workdir as files
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import Export
from safefakes_tf.detectors.dsfd.weights import load_detector

ANONYMIZER_USE = """\
    model = tf.saved_model.load("{path}").signatures["serving_default"]
    none = dict(keypoints=tf.zeros([n, 0, 2]), has_keypoints=tf.zeros([n], tf.bool))
    result = model(photo=photo, boxes=boxes, seed=tf.constant(0, tf.int64), **none)
    result["photo"], result["action"]  # uint8 [H, W, 3], int64 [N]"""
DETECTOR_USE = """\
    model = tf.saved_model.load("{path}").signatures["serving_default"]
    result = model(photo=photo)  # uint8 [H, W, 3], of any size
    result["boxes"], result["scores"]  # float32 [M, 4] yxyx in [0, 1], float32 [M]"""


def run(settings: Export, workdir: pathlib.Path) -> None:
    """Export the anonymizer that the settings name, and the detector of the folder.

    Args:
        settings: `data.anonymizer` and its options; `model` of the detector, whose
            weights `init_weights` names, else those of `workdir` are taken.
        workdir: gets `export/<anonymizer>/` and, if it has weights, `export/detector/`.

    Raises:
        ValueError: if named weights are not there or do not fit.
    """
    name = settings.data.anonymizer
    atomic.remove_leftovers(workdir / files.EXPORT)
    path = workdir / files.EXPORT / name
    anonymizer = registry.create(name, settings.data.anonymization, settings.seed)
    export.export_anonymizer(anonymizer, path)
    what = "demonstration of anonymizer" if anonymizer.demonstration else "anonymizer"
    _tell(f"{what} {name}", path, ANONYMIZER_USE)

    weights = pathlib.Path(settings.init_weights or workdir / files.DETECTOR_WEIGHTS)
    if settings.init_weights or weights.exists():
        path = workdir / files.EXPORT / "detector"
        model = load_detector(settings.model, weights)
        export.export_detector(model, settings.inference, path)
        _tell("detector", path, DETECTOR_USE)
    else:
        print(f"no detector: {weights} is not there")


def _tell(what, path, use):
    print(f"{what}: {path}")
    print(use.format(path=path))
