"""The generators' training steps compiled by XLA: the same step, and traced once."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from trainer_test import BATCHES, CREATE, generator_config, variables_of

from safefakes_tf.training import optimizers

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shallow")]
RATE, TOLERANCE = 1e-3, 1e-9
SETTINGS = {
    "gan.augmentation": "colour,translation,cutout",
    "gan.generator_steps": 2,  # of CIAGAN: in a loop
}


def batches(name, monkeypatch):
    """Yield batches in float64."""
    monkeypatch.setattr("trainer_test.PAIRS", 5)
    for batch, _ in BATCHES[name](0):
        yield tf.nest.map_structure(
            lambda values: (
                tf.cast(values, tf.float64) if values.dtype.is_floating else values
            ),
            batch,
        )


@pytest.fixture
def float64():
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", BATCHES)
def test_a_compiled_step_has_the_losses_and_gradients_of_the_uncompiled(
    name, monkeypatch
):
    # Moves by a constant times the gradient, which Adam would take the size of.
    descent = functools.partial(keras.optimizers.SGD, RATE)
    monkeypatch.setattr(optimizers, "create_adam", lambda *_: descent())
    config = generator_config(name, **SETTINGS)
    data = batches(name, monkeypatch)
    keras.utils.set_random_seed(0)
    trainer = CREATE[name](config, BATCHES[name](0))
    compiled = tf.function(trainer.train_step, jit_compile=True, autograph=False)
    first = next(data)
    variables = variables_of(trainer)
    before = {key: variable.numpy() for key, variable in variables.items()}

    expected = trainer.train_step(first)
    moved = {key: variable.numpy() - before[key] for key, variable in variables.items()}
    for key, variable in variables.items():
        variable.assign(before[key])
    losses = compiled(first)
    for key, loss in losses.items():
        assert loss.dtype == tf.float64
        np.testing.assert_allclose(loss, expected[key], rtol=TOLERANCE, err_msg=key)
    assert sum(np.abs(value).max() > 0 for value in moved.values()) > 10
    for key, variable in variables.items():
        got = variable.numpy() - before[key]
        limit = TOLERANCE * max(np.abs(moved[key]).max(), RATE)
        np.testing.assert_allclose(got, moved[key], atol=limit, err_msg=key)

    for _ in range(99):  # tracing, or finding the trace, is all that could fail
        compiled.get_concrete_function(next(data))
    assert compiled.experimental_get_tracing_count() == 1
