import dataclasses

import pytest
import tensorflow as tf

from configs import detector, quickstart
from safefakes_tf.config import adapt
from safefakes_tf.training import threads


@pytest.fixture
def told(monkeypatch):
    """Return what TensorFlow is told; it has started, and could not change."""
    told = []
    setter = "set_intra_op_parallelism_threads"
    monkeypatch.setattr(tf.config.threading, setter, told.append)
    return told


def test_small_detectors_have_one_thread_per_operation(told):
    threads.set_up(adapt(quickstart.get_config(), "train_detector"))
    assert told == [1]


def test_large_detectors_and_large_photos_keep_all_threads(told):
    threads.set_up(adapt(detector.get_config(), "train_detector"))
    demo = adapt(quickstart.get_config(), "train_detector")
    large = dataclasses.replace(demo.model, input_size=640)
    threads.set_up(dataclasses.replace(demo, model=large))
    assert told == []
