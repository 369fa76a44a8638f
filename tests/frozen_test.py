import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import frozen


@pytest.fixture
def model():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Conv2D(2, 1)(x))


def function(model):
    def call(photos):
        with frozen.weights(model.variables):
            return model(photos, training=False)

    return tf.function(
        call, input_signature=[tf.TensorSpec([None, None, None, 3])], autograph=False
    )


def test_a_graph_has_constants_in_place_of_weights_and_serves_all_shapes(model):
    graph = function(model)
    operations = graph.get_concrete_function().graph.get_operations()
    assert not [one.type for one in operations if "Variable" in one.type]
    for shape in ((1, 4, 5, 3), (2, 9, 7, 3)):
        photos = tf.random.stateless_uniform(shape, [1, 2])
        np.testing.assert_allclose(
            graph(photos), model(photos, training=False), rtol=1e-5, atol=1e-6
        )


def test_the_weights_are_those_of_the_trace(model):
    photos = tf.ones([1, 4, 4, 3])
    graph = function(model)
    before = graph(photos).numpy()
    for variable in model.trainable_variables:
        variable.assign(variable + 1.0)
    np.testing.assert_array_equal(graph(photos), before)
    assert (np.abs(model(photos, training=False) - before) > 0.1).any()
