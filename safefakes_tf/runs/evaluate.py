"""--mode=evaluate: detect on the unaltered validation photos, then AP."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator

import tqdm

from safefakes_tf import faces
from safefakes_tf.config import Config
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd.weights import load_detector
from safefakes_tf.evaluation import ground_truth, prediction_files, wider_face
from safefakes_tf.runs import build_dataset, evaluate_predictions
from safefakes_tf.workdir import DETECTOR_WEIGHTS
from tfds_builders import builder as builders


def run(config: Config, workdir: pathlib.Path) -> wider_face.Result:
    """Write prediction files for a detector, and its average precisions.

    Photos whose prediction file is already there are not looked at again.

    Args:
        config: of the detector; `config.init_weights` names its weights, else those of
            `workdir` are taken.
        workdir: gets `predictions-<digest>/`, `evaluation.json` and the plot.

    Raises:
        ValueError: if the weights or the photos are not there.
    """
    weights = pathlib.Path(config.init_weights or workdir / DETECTOR_WEIGHTS)
    model = load_detector(config.model, weights)
    folder = workdir / f"predictions-{_digest(config, weights)}"
    truth = ground_truth.from_records(
        _detect_all(model, config, validation_records(config), folder)
    )
    found = prediction_files.read(folder, truth, ours=True)
    print(f"predictions: {folder}")
    return evaluate_predictions.report(
        truth, found, config.inference.ap_arithmetic, workdir
    )


def validation_records(config: Config) -> Iterator[faces.Record]:
    """Return the records of the unaltered validation photos, as NumPy."""
    builder = builders.create_source_builder(config.data)
    build_dataset.prepare(builder)
    records = builder.as_dataset(split="validation")
    return tqdm.tqdm(
        records.as_numpy_iterator(),
        total=int(records.cardinality()),
        desc="detecting",
        unit="photo",
    )


def _detect_all(model, config, records, folder):
    """Detect on each record, and yield its ground truth."""
    for record in records:
        filename = record[faces.FILENAME].decode()
        path = folder / f"{ground_truth.image_name(filename)}.txt"
        if not path.exists():
            image = record[faces.IMAGE]
            detections = detect.detect(model, image, config.inference)
            boxes, scores = detect.to_xywh_pixels(detections, *image.shape[:2])
            prediction_files.write(folder, filename, boxes, scores)
        flags = (record[key] for key in (faces.EASY, faces.MEDIUM, faces.HARD))
        yield filename, record[faces.BBOX_PIXELS], *flags


def _digest(config, weights):
    """Return eight digits that change with the weights and the way of detecting."""
    folders = {"data_dir": None, "manual_dir": None, "keypoint_models": None}
    settings = json.dumps(
        [
            dataclasses.asdict(part)
            for part in (
                config.inference,
                config.model,
                dataclasses.replace(config.data, **folders),
            )
        ]
    )
    content = hashlib.sha256(weights.read_bytes() + settings.encode())
    return content.hexdigest()[:8]
