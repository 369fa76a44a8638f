"""Tests of the builder: records, splits, determinism."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.config import CrowdConfig, DataConfig
from tfds_builders import registry as builders
from tfds_builders.synthetic_crowd import annotations
from tfds_builders.synthetic_crowd import synthetic_crowd_dataset_builder as module

CROWD = CrowdConfig(
    num_train=4, num_validation=3, width=160, height=120, max_people=4, seed=7
)


def _records(folder, split, **changes):
    data = DataConfig(
        dataset="synthetic_crowd", data_dir=str(folder), crowd=CROWD, **changes
    )
    builder = builders.create_builder(data, seed=0)
    builder.prepare()
    return builder, list(builder.as_dataset(split=split).as_numpy_iterator())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("crowd")


@pytest.fixture(scope="module")
def validation(folder):
    return _records(folder, "validation", anonymizer="source")[1]


def test_counts_and_names(folder, validation):
    builder, train = _records(folder, "train", anonymizer="source")
    assert builder.builder_config.name.startswith("source-")
    assert len(train) == 4 and len(validation) == 3
    names = sorted(record[faces.FILENAME] for record in validation)
    assert names == [b"validation/%06d.jpg" % index for index in range(3)]


def test_records_are_valid(validation):
    for record in validation:
        assert record[faces.IMAGE].shape == (120, 160, 3)
        boxes = record[faces.BBOX]
        assert boxes.dtype == np.float32
        assert (boxes >= 0).all() and (boxes <= 1).all()
        assert (boxes[:, 2:] >= boxes[:, :2]).all()
        assert (record[faces.IDENTITY] >= 0).all()
        present = record[faces.KEYPOINTS][record[faces.HAS_KEYPOINTS]]
        assert present.shape[1:] == (68, 2)
        assert (present >= 0).all() and (present <= 1).all()


def test_photos_keep_their_file_bytes(tmp_path, folder, validation):
    again = _records(tmp_path, "validation", anonymizer="source")[1]
    for one, other in zip(validation, again, strict=True):
        assert one[faces.FILENAME] == other[faces.FILENAME]
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def test_derived_set_has_the_same_faces(folder, validation):
    blackout = _records(folder, "validation", anonymizer="blackout", image_format="png")
    for one, other in zip(validation, blackout[1], strict=True):
        assert one[faces.FILENAME] == other[faces.FILENAME]
        np.testing.assert_array_equal(one[faces.BBOX], other[faces.BBOX])
        assert faces.ACTION in other


def test_identities_of_splits_differ(folder, validation):
    train = _records(folder, "train", anonymizer="source")[1]
    shown = [
        {identity for record in records for identity in record[faces.IDENTITY]}
        for records in (train, validation)
    ]
    assert not shown[0] & shown[1]


def test_keypoints_outside_are_left_out():
    view = annotations.FaceView(
        box=np.array([-5.0, 10.0, 20.0, 30.0]),
        keypoints=np.full((68, 2), 12.0),
        identity=1,
        yaw=0.0,
        pitch=0.0,
        covered=0.2,
        blur=0.0,
        light=1.0,
    )
    points = view.keypoints.copy()
    points[0, 1] = -2.0
    found = annotations.annotate([view, view._replace(keypoints=points)], 60, 80)
    record = module.to_record(found, 60, 80)
    np.testing.assert_array_equal(record[faces.HAS_KEYPOINTS], [True, False])
    np.testing.assert_allclose(record[faces.KEYPOINTS][0], [[12 / 60, 12 / 80]] * 68)
    assert not record[faces.KEYPOINTS][1].any()
    np.testing.assert_allclose(record[faces.BBOX][0], [10 / 60, 0, 40 / 60, 15 / 80])
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS][0], [-5, 10, 20, 30])


def test_source_files_are_jpeg(folder):
    data = DataConfig(dataset="synthetic_crowd", data_dir=str(folder), crowd=CROWD)
    builder = builders.create_source_builder(data)
    builder.prepare()
    stored = builder.as_dataset(
        split="train", decoders={faces.IMAGE: tfds.decode.SkipDecoding()}
    )
    for record in stored:
        assert tf.io.is_jpeg(record[faces.IMAGE])
