"""SavedModels of the detector; of anonymizers see contract/anonymizer_test.py."""

import dataclasses
import pathlib

import fresh_process
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import export, faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig, DetectorConfig, InferenceConfig
from safefakes_tf.config.data import STRICT
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import network as dsfd


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, [90, 121, 3], np.uint8)


def test_a_full_disk_leaves_nothing_of_an_export(tmp_path, monkeypatch):
    def write(module, path, signatures):
        (pathlib.Path(path) / "variables_temp").mkdir()
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    anonymizer = anonymizers.create("blackout", AnonymizationConfig(), seed=0)
    monkeypatch.setattr(tf.saved_model, "save", write)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        export.export_anonymizer(anonymizer, tmp_path / "export" / "blackout")
    assert not list((tmp_path / "export").iterdir())


@pytest.fixture(scope="module")
def served_blur(tmp_path_factory):
    """Return the exported blur, as a function of a photo and boxes."""
    path = tmp_path_factory.mktemp("export")
    export.export_anonymizer(anonymizers.create("blur", STRICT, seed=0), path)
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]

    def served(photo, boxes):
        return serve(
            photo=tf.constant(photo),
            boxes=tf.constant(boxes),
            keypoints=tf.zeros([len(boxes), 0, 2]),
            has_keypoints=tf.zeros([len(boxes)], tf.bool),
            seed=tf.constant(0, tf.int64),
        )

    return served


@pytest.mark.parametrize(
    "box",
    [
        [9, 12, 54, 60],  # pixels
        [0.6, 0.5, 0.1, 0.1],  # corners in the wrong order
        [0.1, 0.5, 0.6, 0.1],
        [1.1, 0.2, 1.4, 0.5],  # outside
        [0.2, -0.5, 0.5, -0.1],
        [-2.0, 0.1, 2.0, 0.5],  # four times the height
        [0, 0, 54, 60],  # pixels, from the corner
        [np.nan, 0.1, 0.6, 0.5],
    ],
)
def test_a_box_that_cannot_be_meant_blacks_out_the_photo(box, served_blur, photo):
    boxes = np.float32([[0.1, 0.1, 0.6, 0.5], box])
    result = served_blur(photo, boxes)
    assert (result["action"].numpy() == faces.BLACKED_OUT).all()
    assert not result["photo"].numpy().any()


@pytest.mark.parametrize(
    "box", [[-0.2, -0.2, 0.5, 1.4], [0.0, 0.0, 1.0, 1.0], [-0.6, 0.5, 0.2, 1.1]]
)
def test_a_box_that_reaches_beyond_the_photo_can_be_meant(box, served_blur, photo):
    empty = [[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]
    result = served_blur(photo, np.float32([box, *empty]))
    kept = [faces.KEPT] * len(empty)
    assert result["action"].numpy().tolist() == [faces.GENERATED, *kept]
    assert result["photo"].numpy().any()


@pytest.mark.usefixtures("shallow")
def test_detector_equals_the_python_result_where_only_tensorflow_is(tmp_path, photo):
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 32))
    inference = InferenceConfig(score_threshold=0.0, max_detections=20)
    export.export_detector(model, inference, tmp_path / "detector")
    known = detect.detect_photo(model, tf.constant(photo), inference).numpy()
    served = fresh_process.serve(tmp_path, ["detector"], [{"photo": photo}])
    np.testing.assert_allclose(served["detector/0/scores"], known[:, 0], rtol=1e-5)
    np.testing.assert_allclose(
        served["detector/0/boxes"], known[:, 1:], rtol=1e-5, atol=1e-6
    )
    assert served["detector/0/boxes"].shape == (20, 4)
    stored = tf.train.list_variables(str(tmp_path / "detector/variables/variables"))
    assert [name for name, _ in stored] == ["_CHECKPOINTABLE_OBJECT_GRAPH"]  # no weight


@pytest.mark.usefixtures("shallow")
def test_detector_takes_photos_of_any_size(tmp_path):
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 32))
    inference = dataclasses.replace(InferenceConfig(), score_threshold=0.9999)
    export.export_detector(model, inference, tmp_path)
    serve = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    for size in ((1, 1), (33, 250), (128, 96)):
        found = serve(photo=tf.zeros([*size, 3], tf.uint8))
        assert found["boxes"].shape[1:] == [4]
        assert found["scores"].shape[0] == found["boxes"].shape[0]
