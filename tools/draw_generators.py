r"""Draw what generators paint on others of the kind that they learnt from.

    python -m tools.draw_generators --output=docs/generators.jpg
    python -m tools.draw_generators --photos=DIR --weights=A.npz,B.npz

Without `--photos` these are uncovered faces of the synthetic crowd's validation split,
whose people are none of the training's, and the weights those that learnt from the
crowd. Each face is drawn as it is, and for each generator hidden and painted.
"""

import dataclasses
import itertools
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags

from safefakes_tf import faces
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import (
    WEIGHTS,
    CrowdConfig,
    DataConfig,
    OwnFacesConfig,
    names,
)
from safefakes_tf.config.data import STRICT
from safefakes_tf.contact_sheet import contact_sheet
from safefakes_tf.photos import writer
from safefakes_tf.training import record_stream
from tfds_builders import registry as builders

_OUTPUT = flags.DEFINE_string(
    "output", None, "Picture to write; none: docs/generators.jpg, or portraits.jpg."
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared data sets are kept.")
_FACES = flags.DEFINE_integer("faces", 6, "Number of faces.", lower_bound=1)
_PHOTOS = flags.DEFINE_string("photos", None, "Folder of photos, in place of a crowd.")
_ANNOTATIONS = flags.DEFINE_string("annotations", "boxes.csv", "Boxes in that folder.")
_WEIGHTS = flags.DEFINE_list(
    "weights",
    [f"{WEIGHTS}/{name}_{names.CROWD}.npz" for name in names.generators()],
    "Generators' files.",
)
UNKEPT = "portraits.jpg"  # in .gitignore
HIDE_ANEW = ("sun2018", "ciagan")  # DeepPrivacy hides the same as Sun2018
CROWD = CrowdConfig(num_train=1, num_validation=60, min_face=48.0, max_people=5)
SMALLEST = 64  # px, width of a face
AROUND = 2.2  # side of a picture in sides of the face
CELL = 150  # px


def main(_):
    """Choose faces, paint, draw."""
    if _PHOTOS.value:
        chosen = OwnFacesConfig(annotations=_ANNOTATIONS.value, validation_share=1.0)
        kind = {"dataset": "own_faces", "own_faces": chosen, "anonymization": STRICT}
    else:
        kind = {"crowd": CROWD}
    data = DataConfig(manual_dir=_PHOTOS.value, data_dir=_DATA_DIR.value, **kind)
    source = builders.create_source_builder(data)
    builders.prepare(source, "validation")
    methods = [_method(path, data, source) for path in _WEIGHTS.value]
    records = source.encoded_with_keypoints("validation").map(record_stream.decode)
    records = records.as_numpy_iterator()
    found = _first(records) if _PHOTOS.value else _uncovered(records)
    rows = [
        _row(record, face, methods)
        for record, face in itertools.islice(found, _FACES.value)
    ]
    columns = ["original"]
    for method in methods:
        columns += ["hidden"] * (method.name in HIDE_ANEW) + [method.name]
    sheet = contact_sheet(rows, columns, [""] * len(rows), CELL)
    # Photos show people as they are: nothing that Git keeps is written of them unasked.
    output = _OUTPUT.value or (UNKEPT if _PHOTOS.value else "docs/generators.jpg")
    writer.write(pathlib.Path(output), sheet, quality=88)
    print(f"picture: {output}")


def _method(path, data, source):
    """Return the anonymizer that paints with a generator's file."""
    options = dataclasses.replace(data.anonymization, weights=path)
    name = generator_files.read_about(path).method
    return anonymizers.create(name, options, 0, source.keypoint_layout)


def _first(records):
    """Yield (record, face): of each photo the first face, if it has keypoints."""
    for record in records:
        for face in np.flatnonzero(record[faces.HAS_KEYPOINTS])[:1]:
            yield record, face


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
    for method in methods:
        hidden = method.hidden(photo, faces.from_record(record))[..., tf.newaxis]
        grey = tf.constant(128, tf.uint8)
        if method.name in HIDE_ANEW:
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
