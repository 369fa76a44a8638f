"""XLA compiles a step of the detector, and computes what the uncompiled one does."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import tiny
from safefakes_tf.config import adapt
from safefakes_tf.detectors.dsfd.layers import ResizeLike
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.training import steps, strategy
from safefakes_tf.training.batches import PhotoBatch, Positioned

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_traced", "shallow"),
]
BATCH, BOXES = 2, 32  # two chunks of `matching`


@pytest.fixture(scope="module", autouse=True)
def in_float64():
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def resize(layer, inputs):
    """Resize as the layer does: TensorFlow's operation has float32 results only."""
    maps, target = inputs
    for axis in (1, 2):
        old, new = maps.shape[axis], target.shape[axis]
        place = np.linspace(0, old - 1, new)[:, None] - np.arange(old)
        weights = np.maximum(1 - np.abs(place), 0)
        maps = tf.tensordot(maps, tf.constant(weights, maps.dtype), [[axis], [1]])
        maps = tf.experimental.numpy.moveaxis(maps, -1, axis)
    return maps


def settings():
    config = adapt(tiny.get_config(), "train_detector")
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, width_multiplier=1 / 64, input_size=64),
        optimizer=dataclasses.replace(
            config.optimizer, kind="sgd", learning_rate=1e-3, clip_norm=0.5, ema=0.9
        ),
    )


def make_batch(seed):
    """Return photos of noise; the first has more faces than a chunk, or none."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0.2, 0.8, [BATCH, BOXES, 2])
    halves = rng.uniform(0.05, 0.2, [BATCH, BOXES, 2])
    boxes = np.concatenate([centres - halves, centres + halves], -1)
    counts = np.array([(20, 0)[seed % 2], 3], np.int32)
    boxes[np.arange(BOXES) >= counts[:, None]] = 0
    photos = rng.integers(0, 256, [BATCH, 64, 64, 3], np.uint8)
    return PhotoBatch(*map(tf.constant, (photos, np.float32(boxes), counts)))


def test_a_compiled_step_is_the_uncompiled_one_and_traced_once(monkeypatch):
    monkeypatch.setattr(ResizeLike, "call", resize)
    devices = strategy.create("cpu")
    dataset = tf.data.Dataset.from_tensors(Positioned(make_batch(0), tf.range(BATCH)))
    trainer = DetectorTrainer(settings(), dataset)
    variables = [v for item in trainer.items.values() for v in item.variables]
    before = [np.array(variable) for variable in variables]
    learn, traces = trainer.train_step, []

    def counted(batch):
        traces.append(batch)
        return learn(batch)

    monkeypatch.setattr(trainer, "train_step", counted)

    def taken(step, batch):
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        losses = {name: float(value) for name, value in step(batch).items()}
        return losses, [np.array(variable) for variable in variables]

    def plain(batch):
        return devices.run(learn, args=(batch,))

    compiled = steps.make_step(trainer, devices, True)
    for seed in (0, 1):
        losses, values = taken(compiled, make_batch(seed))
        expected, expected_values = taken(plain, make_batch(seed))
        assert losses == pytest.approx(expected, rel=1e-9)
        # Among them the velocities: the clipped gradients, and the decay of weights.
        moved = 0
        for value, other, old in zip(values, expected_values, before, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-12)
            moved += not np.array_equal(value, old)
        assert moved > len(before) / 2  # narrow layers have units that are off
    traces.clear()
    for seed in range(100):  # tracing, or finding the trace, is all that could fail
        compiled.get_concrete_function(make_batch(seed))
    assert not traces
