"""GPU and CPU compute the same: a training step, a chunk of inpainting, a detection."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from fake_keypoints import in_boxes

from configs import tiny
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import InferenceConfig, adapt, names
from safefakes_tf.detectors.dsfd import inference, network, random_initialization
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.faces import Faces
from safefakes_tf.training import loop, strategy
from safefakes_tf.training.batches import PhotoBatch, Positioned

pytestmark = pytest.mark.gpu
DEVICES = ("cpu", "gpu:1")


@pytest.fixture(autouse=True, scope="module")
def full_precision():
    """Rounding to 10 bits, as GPUs multiply by default, would hide what differs."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)


def photos(count, height, width):
    """Smooth noise: networks see edges and colours in it."""
    coarse = tf.random.stateless_uniform([count, 8, 8, 3], (0, 1), 0, 255)
    return tf.image.resize(coarse, [height, width], "bicubic")


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_step_of_the_detector(kind):
    settings = adapt(tiny.get_config(), "train_detector")
    optimizer = dataclasses.replace(
        settings.optimizer, kind=kind, learning_rate=1e-3, ema=0.9
    )
    settings = dataclasses.replace(settings, optimizer=optimizer)
    side, size = settings.model.input_size, settings.loop.global_batch_size
    boxes = tf.tile([[[0.2, 0.3, 0.6, 0.7]] * 16], [size, 1, 1])
    batch = PhotoBatch(photos(size, side, side), boxes, tf.fill([size], 3))
    dataset = tf.data.Dataset.from_tensors(Positioned(batch, tf.range(size)))

    def learn(devices):
        keras.utils.set_random_seed(0)
        distribution = strategy.create(devices)
        with distribution.scope():
            trainer = DetectorTrainer(settings, dataset)
        step = loop._make_step(trainer, distribution)
        losses = step(loop._distribute(batch, distribution, settings.loop))
        return {name: float(value) for name, value in losses.items()}, trainer

    (losses, trainer), (expected, reference) = map(learn, DEVICES[::-1])
    assert losses == pytest.approx(expected, rel=1e-4)
    averages = (each.items["ema"].averages for each in (trainer, reference))
    for value, other in zip(*averages, strict=True):
        # Adam moves by the sign of a gradient, however small it is.
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=2.1e-3)


@pytest.mark.parametrize("name", names.generators())
def test_inpainting(name, anonymization):
    boxes = tf.constant([[0.2, 0.2, 0.5, 0.45], [0.5, 0.5, 0.8, 0.75]])
    faces = Faces(boxes, tf.constant(in_boxes(boxes.numpy())), tf.fill([2], True))
    photo = tf.cast(tf.clip_by_value(photos(1, 200, 240)[0], 0, 255), tf.uint8)

    def apply(devices):
        with strategy.create(devices).scope():
            anonymizer = registry.create(name, anonymization(name), seed=7)
            return anonymizer.apply(photo, faces, tf.constant(3, tf.int64))

    (image, action), (expected, expected_action) = map(apply, DEVICES)
    np.testing.assert_array_equal(action, expected_action)
    assert (image != photo).numpy().any()
    error = np.abs(np.int32(image) - np.int32(expected))
    assert error.max() <= 2
    assert error.mean() <= 0.01


def test_detection():
    settings = adapt(tiny.get_config(), "evaluate")
    photo = tf.cast(tf.clip_by_value(photos(1, 100, 130)[0], 0, 255), tf.uint8)

    def detect(devices):
        keras.utils.set_random_seed(0)
        with strategy.create(devices).scope():
            model = network.build_dsfd(settings.model)
            every = random_initialization.convolutions(model)
            random_initialization.fit_to_photos(model, photos(2, 64, 64), every)
            return inference.detect_photo(model, photo, InferenceConfig()).numpy()

    found, expected = map(detect, DEVICES)
    assert len(expected) > 10
    np.testing.assert_allclose(found[:10], expected[:10], atol=1e-3)
