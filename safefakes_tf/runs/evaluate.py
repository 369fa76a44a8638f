"""--mode=evaluate: detect on the unaltered validation photos, then AP."""

import dataclasses
import hashlib
import json
import pathlib

import tqdm

from safefakes_tf import faces
from safefakes_tf.config import Config
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import weights_files
from safefakes_tf.evaluation import (
    ground_truth,
    prediction_files,
    results,
    wider_face,
)
from tfds_builders import registry as builders


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
    weights = pathlib.Path(config.init_weights or workdir / weights_files.WEIGHTS)
    model = weights_files.load_detector(config, weights)
    folder = workdir / f"predictions-{_digest(config, weights)}"
    builder = builders.create_source_builder(config.data)
    builders.prepare(builder)
    truth = ground_truth.from_records(
        _detect_all(model, config.inference, builder, folder)
    )
    found = prediction_files.read(folder, truth, ours=True)
    print(f"predictions: {folder}")
    return results.report(truth, found, config.inference.ap_arithmetic, workdir)


def _detect_all(model, inference, builder, folder):
    """Detect on each photo of the validation, and yield its ground truth."""
    keys = (faces.EASY, faces.MEDIUM, faces.HARD) if builder.difficulties else ()
    records = builder.as_dataset(split="validation")
    for record in tqdm.tqdm(
        records.as_numpy_iterator(), "detecting", len(records), unit="photo"
    ):
        filename = record[faces.FILENAME].decode()
        path = folder / f"{ground_truth.image_name(filename)}.txt"
        if not path.exists():
            image = record[faces.IMAGE]
            detections = detect.detect(model, image, inference)
            boxes, scores = detect.to_xywh_pixels(detections, *image.shape[:2])
            prediction_files.write(folder, filename, boxes, scores)
        yield filename, record[faces.BBOX_PIXELS], *(record[key] for key in keys)


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
