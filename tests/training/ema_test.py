"""Averages of weights: the formula, and those that version 0.4.0 kept in optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import OptimizerConfig
from safefakes_tf.training import ema, optimizers

MOMENTUM = 0.75


def learn(optimizer, averages, model, gradients=(1.0, -2.0, 0.5, 3.0)):
    optimizer.build(model.trainable_variables)
    for gradient in gradients:
        scaled = optimizer.scale_loss(gradient)
        values = [tf.fill(v.shape, scaled) for v in model.trainable_variables]
        optimizers.apply(values, model, optimizer, averages)


def make_model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input([2]), keras.layers.Dense(3)])


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_averages_are_those_of_keras_to_the_bit(kind, precision):
    config = OptimizerConfig(kind=kind, learning_rate=0.1)
    gradients = (1.0, np.inf, -2.0, 0.5, np.inf, 3.0)
    if precision == "float32":
        gradients = tuple(filter(np.isfinite, gradients))
    ours, theirs = make_model(), make_model()
    averages = ema.EMA(ours.trainable_variables, MOMENTUM)
    learn(optimizers.create(config, precision), averages, ours, gradients)
    optimizer = optimizers.create(config, precision)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner.use_ema, inner.ema_momentum = True, MOMENTUM
    learn(optimizer, None, theirs, gradients)
    assert_equal(ours.trainable_variables, theirs.trainable_variables)
    optimizer.finalize_variable_values(theirs.trainable_variables)
    assert any(
        (average != weight).numpy().any()
        for average, weight in zip(averages.averages, ours.weights, strict=True)
    )
    averages.copy_to(ours.trainable_variables)
    assert_equal(ours.trainable_variables, theirs.trainable_variables)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_checkpoint_with_averages_in_the_optimizer_is_restored(
    kind, precision, tmp_path
):
    config = OptimizerConfig(kind=kind, learning_rate=0.1)
    model, optimizer = make_model(), optimizers.create(config, precision)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner.use_ema, inner.ema_momentum = True, MOMENTUM
    learn(optimizer, None, model)
    stored = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = stored.save(str(tmp_path / "ckpt"))

    fresh, restored = make_model(), optimizers.create(config, precision)
    restored.build(fresh.trainable_variables)
    averages = ema.EMA(fresh.trainable_variables, MOMENTUM)
    items = {"model": fresh, "optimizer": restored, "ema": averages}
    arranged = ema.laid_out_as_in(path, items)
    tf.train.Checkpoint(**arranged).restore(path).assert_consumed()
    assert_equal(fresh.weights, model.weights)
    others = [v for v in optimizer.variables if not v.name.endswith("_average")]
    assert len(others) < len(optimizer.variables)
    assert_equal(restored.variables, others)
    optimizer.finalize_variable_values(model.trainable_variables)
    assert_equal(averages.averages, model.trainable_variables)


def test_a_checkpoint_of_today_is_restored_as_it_is(tmp_path):
    model, optimizer = make_model(), optimizers.create(OptimizerConfig())
    averages = ema.EMA(model.trainable_variables, MOMENTUM)
    learn(optimizer, averages, model)
    items = {"model": model, "optimizer": optimizer, "ema": averages}
    path = tf.train.Checkpoint(**items).save(str(tmp_path / "ckpt"))
    assert ema.laid_out_as_in(path, items) == items


def assert_equal(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def test_values_that_are_averages_already_are_kept_in_the_first_step():
    model = make_model()
    start = [weight.numpy() for weight in model.trainable_variables]
    averages = ema.EMA(model.trainable_variables, MOMENTUM, starts_as_average=True)
    learn(optimizers.create(OptimizerConfig()), averages, model, gradients=[1.0])
    for average, before, weight in zip(
        averages.averages, start, model.trainable_variables, strict=True
    ):
        expected = MOMENTUM * before + (1 - MOMENTUM) * weight
        np.testing.assert_allclose(average, expected, rtol=1e-6)
