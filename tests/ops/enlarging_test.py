"""Enlargement against Keras' own."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.ops.enlarging import Double


def test_outputs_and_gradients_are_those_of_keras():
    maps = tf.constant(np.random.default_rng(0).normal(size=[2, 3, 5, 4]))
    weights = tf.constant(np.random.default_rng(1).normal(size=[2, 6, 10, 4]))

    def outcome(layer):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = layer(maps)
            loss = tf.reduce_sum(outputs * weights)
        return outputs, tape.gradient(loss, maps)

    ours = outcome(Double(dtype="float64"))
    theirs = outcome(keras.layers.UpSampling2D(dtype="float64"))
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)


def test_its_shape_is_known_before():
    assert Double()(keras.Input((3, 5, 4))).shape == (None, 6, 10, 4)
