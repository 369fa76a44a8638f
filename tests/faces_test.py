"""The record: conversion to `Faces`, and one-line errors for what is wrong with it."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces


def _record(**changes):
    record = {
        faces.IMAGE: np.zeros((6, 8, 3), np.uint8),
        faces.FILENAME: b"event/photo.jpg",
        faces.BBOX: np.float32([[0, 0.25, 0.5, 0.75], [0.1, 0.1, 0.1, 0.1]]),
        faces.BBOX_PIXELS: np.int32([[2, 0, 4, 3], [1, 1, -1, 0]]),
        faces.KEYPOINTS: np.zeros((2, 5, 2), np.float32),
        faces.HAS_KEYPOINTS: np.bool_([True, False]),
        faces.IDENTITY: np.int64([3, -1]),
        faces.ACTION: np.int64([0, 2]),
        faces.BLUR: np.int64([0, 2]),
        faces.INVALID: np.bool_([False, True]),
        faces.EASY: np.bool_([True, False]),
    }
    return record | {key.replace("__", "/"): value for key, value in changes.items()}


def _without_faces():
    return {
        key: value if key.startswith("image") else value[:0]
        for key, value in _record().items()
    }


def test_a_sound_record_passes():
    faces.validate(_record())


def test_eager_tensors_pass():
    faces.validate({key: tf.constant(value) for key, value in _record().items()})


def test_no_faces_and_one_pixel_pass():
    faces.validate(_without_faces() | {faces.IMAGE: np.zeros((1, 1, 3), np.uint8)})


def test_a_record_of_tf_data_passes():
    dataset = tf.data.Dataset.from_tensors(_record())
    for record in dataset.as_numpy_iterator():
        faces.validate(record)


BOX = [0.0, 0.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": np.zeros((6, 8), np.uint8)},
            r"image must be uint8 \[H, W, 3\]; got uint8 \[6, 8\]",
        ),
        ({"image": np.zeros((6, 8, 3), np.uint16)}, "got uint16"),
        ({"image": np.zeros((6, 8, 4), np.uint8)}, r"got uint8 \[6, 8, 4\]"),
        ({"image": np.zeros((6, 0, 3), np.uint8)}, "at least one pixel"),
        ({"image__filename": ""}, "image/filename must be a text"),
        ({"image__filename": 7}, "image/filename must be a text"),
        ({"faces__bbox": np.float64([BOX, BOX])}, "got float64"),
        ({"faces__bbox": np.float32(BOX)}, r"faces/bbox must be float32 \[4, 4\]"),
        ({"faces__bbox": np.float32([BOX, [0, 0, np.nan, 1]])}, "got NaN or infinity"),
        ({"faces__bbox": np.float32([BOX, [0, 0, np.inf, 1]])}, "got NaN or infinity"),
        (
            {"faces__bbox": np.float32([BOX, [0, 0, 812, 1]])},
            r"got max 812\.0 — pixel boxes\?",
        ),
        ({"faces__bbox": np.float32([BOX, [-0.1, 0, 1, 1]])}, r"got min -0\.100"),
        ({"faces__bbox": np.float32([BOX, [0.6, 0, 0.5, 1]])}, "in row 1"),
        ({"faces__bbox_pixels": np.int64([[0] * 4] * 2)}, r"int32 \[2, 4\]; got int64"),
        ({"faces__bbox_pixels": np.int32([[0] * 4])}, r"got int32 \[1, 4\]"),
        ({"faces__keypoints": np.zeros((2, 5), np.float32)}, r"float32 \[2, K, 2\]"),
        (
            {"faces__keypoints": np.full((2, 5, 2), np.nan, np.float32)},
            "faces/keypoints must be finite",
        ),
        ({"faces__has_keypoints": np.int64([1, 0])}, r"bool \[2\]; got int64"),
        ({"faces__action": np.int64([0, 3])}, r"class labels 0\.\.2; got 0\.\.3"),
        ({"faces__blur": np.int64([-1, 0])}, r"class labels 0\.\.2; got -1\.\.0"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        faces.validate(_record(**change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [faces.IMAGE, faces.FILENAME, faces.BBOX])
def test_a_missing_key_is_named(key):
    record = _record()
    del record[key]
    with pytest.raises(ValueError, match=f"{key} must be in the record"):
        faces.validate(record)


def test_an_encoded_photo_is_not_looked_at():
    faces.validate_faces(_record(image=b"\xff\xd8\xff"))


def test_faces_of_a_record():
    found = faces.from_record(_record())
    assert found.boxes.shape == (2, 4)
    assert found.keypoints.shape == (2, 5, 2)
    np.testing.assert_array_equal(found.has_keypoints, [True, False])


def test_faces_of_a_record_without_keypoints():
    record = {faces.BBOX: np.float32([BOX])}
    found = faces.from_record(record)
    assert found.keypoints.shape == (1, 0, 2)
    np.testing.assert_array_equal(found.has_keypoints, [False])
