import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import OptimizerConfig
from safefakes_tf.training import optimizers, strategy


def test_sgd_follows_the_formula_of_the_reference():
    """v = 0.9 v + (g + d w); w = w - lr v, also across a change of the rate."""
    config = OptimizerConfig(
        learning_rate=0.1, momentum=0.9, weight_decay=0.01, decay_steps=(2,)
    )
    optimizer = optimizers.create(config)
    variable = keras.Variable(np.float32([1.0, -2.0]))
    optimizer.build([variable])
    expected, velocity = np.array([1.0, -2.0]), np.zeros(2)
    for step, rate in enumerate([0.1, 0.1, 0.01, 0.01]):
        gradient = np.array([0.5, 0.25]) * (step + 1)
        optimizer.apply([keras.ops.convert_to_tensor(np.float32(gradient))])
        velocity = 0.9 * velocity + gradient + 0.01 * expected
        expected = expected - rate * velocity
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)


def test_the_rate_drops_at_the_step_with_that_index():
    rate = optimizers.SteppedRate(1.0, (3, 5))
    assert np.allclose(
        [float(rate(s)) for s in range(7)], [1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_warm_up_is_linear():
    rate = optimizers.SteppedRate(1.0, (), warmup_steps=4)
    assert np.allclose([float(rate(s)) for s in range(5)], [0.25, 0.5, 0.75, 1.0, 1.0])


@pytest.mark.parametrize(
    "settings",
    [
        {"beta_1": 0.5, "epsilon": 1e-3, "weight_decay": 0.01, "use_ema": True},
        {"beta_1": 0.0, "beta_2": 0.99, "clipnorm": 0.1},
        {"learning_rate": optimizers.SteppedRate(0.1, (2,), warmup_steps=2)},
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_is_that_of_keras(settings, dtype):
    def learn(kind):
        optimizer = kind(**{"learning_rate": 0.1, **settings})
        variables = [
            keras.Variable([1.0, -2.0], dtype=dtype),
            keras.Variable([[3.0]], dtype=dtype),
        ]
        optimizer.build(variables)
        for step in range(5):
            gradients = [np.array([0.5, -step]), np.array([[1.0 - step]])]
            optimizer.apply(
                [keras.ops.convert_to_tensor(g, dtype=dtype) for g in gradients]
            )
        kept = [np.ravel(v) for v in optimizer.variables]
        return np.concatenate(kept), np.concatenate([np.ravel(v) for v in variables])

    state, weights = learn(optimizers.Adam)
    expected_state, expected = learn(keras.optimizers.Adam)
    # 1 - 0.999^n has four digits less in float32, in which Keras always takes it.
    np.testing.assert_allclose(state, expected_state, rtol=3e-5)
    np.testing.assert_allclose(weights, expected, rtol=3e-5)
    assert not np.allclose(weights, [1.0, -2.0, 3.0], atol=0.05)


def test_adam_goes_on_from_a_checkpoint_of_keras(tmp_path):
    variable = keras.Variable([1.0])
    before, after = keras.optimizers.Adam(0.1), optimizers.Adam(0.1)
    for optimizer in (before, after):
        optimizer.build([variable])
    before.apply([keras.ops.ones([1])])
    path = tf.train.Checkpoint(optimizer=before).save(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(optimizer=after).restore(path).assert_consumed()
    assert int(after.iterations) == 1
    for old, new in zip(before.variables, after.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_adam_does_not_move_by_gradients_that_are_not_finite():
    variable = keras.Variable([1.0])
    optimizer = keras.optimizers.LossScaleOptimizer(optimizers.Adam(0.1))
    optimizer.build([variable])
    for gradient, expected in ((np.inf, 1.0), (1e5, 0.9)):
        optimizer.apply([keras.ops.convert_to_tensor([gradient], "float32")])
        np.testing.assert_allclose(variable.numpy(), [expected], atol=1e-4)


class HalfPrecision:
    """A weight of 1 under float16's optimizer, on some devices."""

    def __init__(self, devices, kind):
        self.distribution = strategy.create(devices)
        with self.distribution.scope():
            dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
            self.model = keras.Sequential([keras.Input([1]), dense])
            self.optimizer = optimizers.create(
                OptimizerConfig(kind=kind, learning_rate=0.125), "mixed_float16"
            )
            self.optimizer.build(self.model.trainable_variables)

    @tf.function(autograph=False)
    def step(self, gradients):
        """Move by gradients, one for each replica, whose loss is scaled."""

        def learn():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            scaled = self.optimizer.scale_loss(gradients[replica])
            optimizers.apply([scaled[None, None]], self.model, self.optimizer)

        self.distribution.run(learn)

    def values(self, variable):
        """Return the value of a variable on each replica."""
        copies = self.distribution.experimental_local_results(variable.value)
        return [float(tf.squeeze(copy)) for copy in copies]

    @property
    def weights(self):
        return self.values(self.model.trainable_variables[0])


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("bad", [(np.inf, 1.0), (1.0, np.inf), (np.inf, -np.inf)])
def test_an_overflow_on_any_replica_skips_the_step_on_all(kind, bad):
    two = HalfPrecision("cpu:2", kind)
    two.step(tf.constant([1.0, 2.0]))
    before, scale = two.weights, two.values(two.optimizer.dynamic_scale)
    assert before[0] == before[1] < 1
    two.step(tf.constant(bad))
    assert two.weights == before
    halves = [value / 2 for value in scale]
    assert two.values(two.optimizer.dynamic_scale) == halves
    assert two.values(two.optimizer.iterations) == [1, 1]
    two.step(tf.constant([1.0, 2.0]))
    assert two.weights[0] == two.weights[1] < before[0]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_half_precision_on_two_replicas_equals_one_device(kind):
    one, two = HalfPrecision("cpu", kind), HalfPrecision("cpu:2", kind)
    for gradient in (1.0, -0.5, 2.0):
        one.step(tf.constant([gradient]))
        two.step(tf.constant([0.25 * gradient, 0.75 * gradient]))
    assert two.weights == one.weights * 2
    assert one.weights != [1.0]


def test_adam_is_there_for_short_runs():
    optimizer = optimizers.create(OptimizerConfig(kind="adam", learning_rate=0.1))
    variable = keras.Variable(np.float32([1.0]))
    optimizer.build([variable])
    optimizer.apply([keras.ops.ones([1])])
    np.testing.assert_allclose(variable.numpy(), [0.9], atol=1e-4)
