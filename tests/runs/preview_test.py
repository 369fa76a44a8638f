"""--mode=preview on made-up photos."""

import dataclasses
import errno
import os
import types

import cv2
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import contact_sheet, faces
from safefakes_tf.config import Preview
from safefakes_tf.runs import preview


@pytest.fixture
def photos(monkeypatch):
    """Let the preview read these photos: a list of boxes in pixels for each."""

    def give(*boxes_of_photos):
        rng = np.random.default_rng(0)
        records = [
            {
                faces.IMAGE: rng.integers(0, 256, [200, 300, 3], np.uint8),
                faces.FILENAME: f"{index}.jpg".encode(),
                faces.BBOX: np.reshape(boxes, [-1, 4]) / np.float32([200, 300] * 2),
            }
            for index, boxes in enumerate(boxes_of_photos)
        ]
        signature = {
            faces.IMAGE: tf.TensorSpec([None, None, 3], tf.uint8),
            faces.FILENAME: tf.TensorSpec([], tf.string),
            faces.BBOX: tf.TensorSpec([None, 4], tf.float32),
        }
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(records), output_signature=signature
        )
        builder = types.SimpleNamespace(
            as_dataset=lambda split: dataset,
            KEYPOINTS=None,
            keypoint_layout="found",
        )
        monkeypatch.setattr(
            preview.builders, "create_source_builder", lambda data: builder
        )
        monkeypatch.setattr(preview.builders, "prepare", lambda builder: None)

    return give


def test_a_row_per_size_and_a_column_per_anonymizer(photos, tmp_path, capsys):
    photos([], [[10, 10, 30, 26], [150, 250, 199, 290]], [[0, 0, 200, 130]])
    path = preview.run(Preview(), tmp_path / "new")
    assert str(path) in capsys.readouterr().out
    sheet = cv2.imread(str(path))
    pitch = 192 + contact_sheet.MARGIN + contact_sheet.LABEL_HEIGHT
    top = contact_sheet.LABEL_HEIGHT + contact_sheet.MARGIN
    assert sheet.shape == (top + 3 * pitch, 5 * 198 + contact_sheet.MARGIN, 3)
    # The face of the first row at (60, 60) of its pictures: original, blacked out.
    y = top + contact_sheet.LABEL_HEIGHT + 60
    assert sheet[y, contact_sheet.MARGIN + 60].any()
    assert not sheet[y, contact_sheet.MARGIN + 198 + 60].any()


def test_photos_without_a_face_are_refused(photos, tmp_path):
    photos([], [[20, 20, 40, 20]])
    with pytest.raises(ValueError, match="expected a face on the first 200"):
        preview.run(Preview(), tmp_path)


def test_the_named_anonymizer_is_drawn_too(photos, tmp_path):
    photos([[10, 10, 60, 46]])
    widths = []
    for name in ("blur", "pixelate"):
        data = dataclasses.replace(Preview().data, anonymizer=name)
        config = dataclasses.replace(
            Preview(), data=data, study_anonymizers=("original", "blur")
        )
        widths.append(cv2.imread(str(preview.run(config, tmp_path / name))).shape[1])
    assert widths[1] > widths[0]


def test_a_picture_that_cannot_be_written_is_no_success(photos, tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    photos([[10, 10, 30, 26]])
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        preview.run(Preview(study_anonymizers=("blackout",)), tmp_path)
    assert not list(tmp_path.iterdir())
