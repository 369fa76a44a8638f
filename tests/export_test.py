"""SavedModels of the detector; of anonymizers see contract/anonymizer_test.py."""

import dataclasses

import fresh_process
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import export
from safefakes_tf.config import DetectorConfig, InferenceConfig
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import network as dsfd


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, [90, 121, 3], np.uint8)


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


def test_detector_takes_photos_of_any_size(tmp_path):
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 32))
    inference = dataclasses.replace(InferenceConfig(), score_threshold=0.9999)
    export.export_detector(model, inference, tmp_path)
    serve = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    for size in ((1, 1), (33, 250), (128, 96)):
        found = serve(photo=tf.zeros([*size, 3], tf.uint8))
        assert found["boxes"].shape[1:] == [4]
        assert found["scores"].shape[0] == found["boxes"].shape[0]
