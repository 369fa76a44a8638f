"""--mode=evaluate: detect on the unaltered validation photos, then AP."""

import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import pathlib

import tqdm

from safefakes_tf import faces, precision
from safefakes_tf import workdir as files
from safefakes_tf.config import Evaluate
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd.weights import load_detector
from safefakes_tf.evaluation import ground_truth, prediction_files, results
from safefakes_tf.evaluation.wider_face import Result
from safefakes_tf.photos.box_files import wider
from tfds_builders import registry as builders


def run(settings: Evaluate, workdir: pathlib.Path) -> Result:
    """Write prediction files for a detector, and its average precisions.

    Photos whose prediction file is already there are not looked at again.

    Args:
        settings: `init_weights` names the detector's weights, else those of `workdir`
            are taken.
        workdir: gets `predictions-<digest>/`, `evaluation.json` and the plot.

    Raises:
        ValueError: if the weights or the photos are not there.
    """
    weights = pathlib.Path(settings.init_weights or workdir / files.DETECTOR_WEIGHTS)
    # Also behind a training in bfloat16, as in a study: that moves AP by up to a point.
    with precision.policy(precision.FLOAT32):
        model = load_detector(settings.model, weights)
    photo_detector = detect.PhotoDetector(model, settings.inference, final=True)
    folder = workdir / f"predictions-{_digest(settings, weights)}"
    builder = builders.create_source_builder(settings.data)
    builders.prepare(builder, "validation")
    difficulties = wider.DIFFICULTIES if builder.difficulties else ()
    truth = ground_truth.from_records(
        _detect_all(photo_detector, builder, folder, difficulties),
        difficulties,
    )
    found = prediction_files.read(folder, truth, ours=True)
    print(f"predictions: {folder}")
    return results.report(truth, found, settings.inference.ap_arithmetic, workdir)


def _detect_all(photo_detector, builder, folder, difficulties):
    """Detect on each photo of the validation, and yield its ground truth.

    A thread merges and writes what was found on a photo, while the network looks at the
    next one.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        last = None
        for finish in _begin_all(photo_detector, builder, folder, difficulties):
            if last:
                yield last.result()
            last = thread.submit(finish)
        if last:
            yield last.result()


def _begin_all(photo_detector, builder, folder, difficulties):
    """Yield per photo a function that ends its detection and returns its truth."""
    records = builder.as_dataset(split="validation")
    names = set()
    try:
        for record in tqdm.tqdm(
            records.as_numpy_iterator(), "detecting", len(records), unit="photo"
        ):
            filename, image = record[faces.FILENAME].decode(), record[faces.IMAGE]
            filename = _told_apart(filename, names)
            truth = (
                filename,
                record[faces.BBOX_PIXELS],
                *(record[f"faces/{name}"] for name in difficulties),
            )
            path = folder / f"{ground_truth.image_name(filename)}.txt"
            merge = None if path.exists() else photo_detector.begin(image)
            yield functools.partial(_finish, merge, image.shape[:2], folder, truth)
    except Exception as error:  # comes in its turn, behind the photo before
        yield functools.partial(_fail, error)


def _told_apart(filename, names):
    """Return the name of a photo so that its prediction file is no other photo's.

    Those files are called as WIDER FACE's are, without a suffix. A photo whose name
    another had before, as `a.png` beside `a.jpg`, gets one more to lose.
    """
    while (name := ground_truth.image_name(filename)) in names:
        filename += ".2"
    names.add(name)
    return filename


def _finish(merge, size, folder, truth):
    if merge:
        boxes, scores = detect.to_xywh_pixels(merge(), *size)
        prediction_files.write(folder, truth[0], boxes, scores)
    return truth


def _fail(error):
    raise error


def _digest(settings, weights):
    """Return eight digits that change with the weights and the way of detecting."""
    folders = {"data_dir": None, "manual_dir": None, "keypoint_models": None}
    text = json.dumps(
        [
            dataclasses.asdict(part)
            for part in (
                settings.inference,
                settings.model,
                dataclasses.replace(settings.data, **folders),
            )
        ]
    )
    content = hashlib.sha256(weights.read_bytes() + text.encode())
    return content.hexdigest()[:8]
