"""Enlargement by whole factors, in few operations."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("safefakes_tf")
class Double(keras.layers.Layer):
    """Repeat each pixel 2 x 2 times: float [N, H, W, C] to [N, 2 H, 2 W, C].

    As `keras.layers.UpSampling2D(2)`, which takes fifty operations for it.
    """

    def call(self, inputs):
        return _doubled(inputs)

    def compute_output_shape(self, input_shape):
        count, height, width, channels = input_shape
        return (count, 2 * height, 2 * width, channels)


@tf.custom_gradient
def _doubled(maps):
    size = [2 * side for side in maps.shape[1:3]]
    doubled = tf.raw_ops.ResizeNearestNeighbor(images=maps, size=size)
    return doubled, lambda upstream: 4 * tf.nn.avg_pool2d(upstream, 2, 2, "VALID")
