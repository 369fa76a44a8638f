"""Activations whose gradients let TensorFlow fuse them with the layer before."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("safefakes_tf")
class LeakyReLU(keras.layers.LeakyReLU):
    """Keras' layer, whose gradient reads its output, which has the input's signs.

    TensorFlow's reads the input. Grappler's remapper (TensorFlow 2.21) fuses a
    convolution with the activation behind it in two passes, and the second overlooks
    other readers of what it takes away: it then fails, and leaves the graph as it was.
    """

    def call(self, inputs):
        return _leaky(inputs, self.negative_slope)


def _leaky(inputs, slope):
    @tf.custom_gradient
    def leaky(inputs):
        outputs = tf.nn.leaky_relu(inputs, slope)
        signs = tf.stop_gradient(outputs)  # else a gradient of gradients reads inputs
        return outputs, lambda upstream: tf.raw_ops.LeakyReluGrad(
            gradients=upstream, features=signs, alpha=slope
        )

    return leaky(inputs)
