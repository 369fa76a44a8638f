"""Activations against Keras' own, with gradients of gradients."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.ops.activations import LeakyReLU


def test_outputs_and_gradients_are_those_of_keras():
    inputs = tf.constant(np.random.default_rng(0).normal(size=[4, 6, 3]))
    kernel = tf.constant(np.random.default_rng(1).normal(size=[3, 3]))

    def derivatives(activation):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = activation(inputs @ kernel)
                total = tf.reduce_sum(outputs**2)
            slope = tape.gradient(total, inputs)
            penalty = tf.reduce_sum(slope**2)
        return outputs, slope, outer.gradient(penalty, kernel)

    ours = derivatives(LeakyReLU(0.2, dtype="float64"))
    theirs = derivatives(keras.layers.LeakyReLU(0.2, dtype="float64"))
    for got, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
