"""--mode=preview: faces of several sizes, original beside every anonymizer."""

import contextlib
import itertools
import pathlib

import cv2
import numpy as np

from safefakes_tf import atomic, faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import Preview, with_anonymizer
from safefakes_tf.config.next_command import next_command
from safefakes_tf.contact_sheet import contact_sheet
from tfds_builders import registry as builders

FACE_WIDTHS = (8, 16, 32, 64, 128)  # px; a row for the face nearest to each
NUM_SEARCHED = 200  # photos among which those faces are looked for
SURROUNDINGS = 3.0  # side of a picture in widths of its face
SMALLEST_PICTURE = 48  # px


def run(config: Preview, workdir: pathlib.Path) -> pathlib.Path:
    """Draw the contact sheet `preview.png`.

    Args:
        config: reads `data`, `seed` and `study_anonymizers`; `data.anonymizer` is
            drawn too if it is none of these.
        workdir: gets the sheet.

    Returns:
        The path of the sheet.

    Raises:
        ValueError: if the photos are not there, or show no face.
    """
    source = builders.create_source_builder(config.data)
    builders.prepare(source)
    examples = _examples(source.as_dataset(split="train").take(NUM_SEARCHED))
    names = dict.fromkeys([*config.study_anonymizers, config.data.anonymizer])
    stages = [
        _stage(config, name, source.keypoint_layout)
        for name in names
        if name != "original"
    ]
    if any(stage.keypoints for stage in stages):
        examples = [(_with_keypoints(source, photo), face) for photo, face in examples]
    rows, captions = [], []
    for record, face in examples:
        photos = [record, *(stage(record) for stage in stages)]
        window = _window(record, face)
        rows.append([np.asarray(photo[faces.IMAGE])[window] for photo in photos])
        captions.append(f"face {_widths(record)[face]:.0f} px wide")
    columns = ["original", *(_title(stage) for stage in stages)]

    path = workdir / "preview.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(rows, columns, captions)
    _, encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    with atomic.writing(path) as file:
        file.write(encoded)
    print(f"picture: {path}")
    print(next_command("build_dataset", config.data))
    return path


def _stage(config, name, layout):
    options = with_anonymizer(config.data, name).anonymization
    return anonymizers.create(name, options, config.seed, layout)


def _title(stage):
    return f"{stage.name} (demonstration)" if stage.demonstration else stage.name


def _with_keypoints(source, record):
    """Return a record with keypoints; where none are annotated, they are found."""
    if source.keypoint_layout == source.KEYPOINTS:
        return record
    with contextlib.closing(source.create_detector()) as detector:
        found = detector.find(record[faces.IMAGE], record[faces.BBOX])
    return {
        **record,
        faces.KEYPOINTS: found.keypoints,
        faces.HAS_KEYPOINTS: found.source != faces.NOT_FOUND,
    }


def _examples(records):
    """Return (record, face index) of the faces nearest to `FACE_WIDTHS`, once each."""
    nearest = {}
    for number, record in enumerate(records.as_numpy_iterator()):
        widths = _widths(record)
        for wanted, face in itertools.product(FACE_WIDTHS, np.flatnonzero(widths > 0)):
            distance = abs(np.log(widths[face] / wanted))
            if wanted not in nearest or distance < nearest[wanted][0]:
                nearest[wanted] = distance, number, face, record
    if not nearest:
        raise ValueError(
            f"expected a face on the first {NUM_SEARCHED} training photos; got none; "
            "name another --dataset or --manual_dir"
        )
    chosen = {(number, face): record for _, number, face, record in nearest.values()}
    examples = [(record, face) for (_, face), record in chosen.items()]
    return sorted(examples, key=lambda example: _widths(example[0])[example[1]])


def _widths(record):
    """Return the width of each face in pixels."""
    return (record[faces.BBOX][:, 3] - record[faces.BBOX][:, 1]) * record[
        faces.IMAGE
    ].shape[1]


def _window(record, face):
    """Return the slices of a square around a face, moved into the photo."""
    size = np.array(record[faces.IMAGE].shape[:2])
    box = record[faces.BBOX][face].reshape(2, 2) * size
    side = max(SMALLEST_PICTURE, SURROUNDINGS * (box[1] - box[0]).max())
    side = int(min(side, *size))
    start = np.clip(box.mean(axis=0).astype(int) - side // 2, 0, size - side)
    return slice(start[0], start[0] + side), slice(start[1], start[1] + side)
