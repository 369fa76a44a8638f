import keras
import numpy as np

from safefakes_tf.config import OptimizerConfig
from safefakes_tf.training import optimizers


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


def test_adam_is_that_of_keras():
    settings = {
        "learning_rate": 0.1,
        "beta_1": 0.5,
        "epsilon": 1e-3,
        "weight_decay": 0.01,
        "use_ema": True,
    }
    weights = []
    for kind in (optimizers.Adam, keras.optimizers.Adam):
        optimizer = kind(**settings)
        variables = [keras.Variable(np.float32([1.0, -2.0])), keras.Variable([[3.0]])]
        optimizer.build(variables)
        for step in range(5):
            gradients = [np.float32([0.5, -step]), np.float32([[1.0 - step]])]
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])
        weights.append(np.concatenate([np.ravel(v) for v in optimizer.variables]))
        weights.append(np.concatenate([np.ravel(v) for v in variables]))
    # 1 - 0.999, which Keras takes in Python, has four digits less in float32.
    np.testing.assert_allclose(weights[0], weights[2], rtol=3e-5)
    np.testing.assert_allclose(weights[1], weights[3], rtol=3e-5)
    assert not np.allclose(weights[1], [1.0, -2.0, 3.0], atol=0.1)


def test_adam_is_there_for_short_runs():
    optimizer = optimizers.create(OptimizerConfig(kind="adam", learning_rate=0.1))
    variable = keras.Variable(np.float32([1.0]))
    optimizer.build([variable])
    optimizer.apply([keras.ops.ones([1])])
    np.testing.assert_allclose(variable.numpy(), [0.9], atol=1e-4)
