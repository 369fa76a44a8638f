r"""Draw what the weights that learnt from the crowd paint on others of its kind.

    python -m tools.draw_generators --output=docs/generators.jpg

Takes uncovered faces of the synthetic crowd's validation split, whose people are none
of the training's, and draws each as it is, and for each generator hidden and painted.
"""

import dataclasses
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np
import tensorflow as tf
from absl import app, flags

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import (
    CrowdConfig,
    DataConfig,
    names,
    with_bundled_weights,
)
from safefakes_tf.contact_sheet import contact_sheet
from tfds_builders import registry as builders

_OUTPUT = flags.DEFINE_string("output", "docs/generators.jpg", "Picture to write.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared data sets are kept.")
_FACES = flags.DEFINE_integer("faces", 6, "Number of faces.", lower_bound=1)
HIDE_ANEW = ("sun2018", "ciagan")  # DeepPrivacy hides the same as Sun2018
CROWD = CrowdConfig(num_train=1, num_validation=60, min_face=48.0, max_people=5)
SMALLEST = 64  # px, width of a face
AROUND = 2.2  # side of a picture in sides of the face
CELL = 150  # px


def main(_):
    """Choose faces, paint, draw."""
    data = DataConfig(crowd=CROWD, data_dir=_DATA_DIR.value)
    source = builders.create_source_builder(data)
    source.prepare()
    methods = {}
    for name in names.generators():
        options = with_bundled_weights(dataclasses.replace(data, anonymizer=name))
        methods[name] = anonymizers.create(name, options.anonymization, seed=0)
    records = source.as_dataset(split="validation").as_numpy_iterator()
    rows = [
        _row(record, face, methods)
        for record, face in itertools.islice(_uncovered(records), _FACES.value)
    ]
    columns = ["original"]
    for name in methods:
        columns += ["hidden"] * (name in HIDE_ANEW) + [name]
    sheet = contact_sheet(rows, columns, [""] * len(rows), CELL)
    cv2.imwrite(_OUTPUT.value, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"picture: {_OUTPUT.value}")


def _uncovered(records):
    """Yield (record, face), one face per photo: large, uncovered, looking ahead."""
    for record in records:
        width = (record[faces.BBOX][:, 3] - record[faces.BBOX][:, 1]) * record[
            faces.IMAGE
        ].shape[1]
        good = (width >= SMALLEST) & record[faces.HAS_KEYPOINTS]
        good &= (record[faces.OCCLUSION] == 0) & (record[faces.POSE] == 0)
        for face in np.flatnonzero(good)[:1]:
            yield record, face


def _row(record, face, methods):
    photo = tf.constant(record[faces.IMAGE])
    window = _window(record, face)
    cells = [record[faces.IMAGE][window]]
    for name, method in methods.items():
        hidden = method.hidden(photo, faces.from_record(record))[..., tf.newaxis]
        grey = tf.constant(128, tf.uint8)
        if name in HIDE_ANEW:
            cells.append(tf.where(hidden, grey, photo).numpy()[window])
        cells.append(method(record)[faces.IMAGE].numpy()[window])
    return cells


def _window(record, face):
    size = np.array(record[faces.IMAGE].shape[:2])
    box = record[faces.BBOX][face].reshape(2, 2) * size
    side = int(min(AROUND * (box[1] - box[0]).max(), *size))
    start = np.clip(box.mean(axis=0).astype(int) - side // 2, 0, size - side)
    return tuple(slice(near, near + side) for near in start)


if __name__ == "__main__":
    app.run(main)
