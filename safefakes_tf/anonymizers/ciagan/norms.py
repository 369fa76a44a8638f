"""Norms of CIAGAN's networks, by TensorFlow's fused operation where it serves.

The operation reads its input twice, and so does its gradient. Norms that are put
together from means and products read and write it about ten times, which was a third of
a training step.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("safefakes_tf")
class InstanceNorm(keras.layers.GroupNormalization):
    """Norm each channel of each image by itself: float [N, H, W, C], H and W known.

    Source: "Instance Normalization: The Missing Ingredient for Fast Stylization"
    (Ulyanov et al., 2016), equation 4.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "groups": -1})  # kwargs: of a stored one

    def call(self, inputs):
        if not _is_fusible(inputs):
            return super().call(inputs)
        height, width, channels = inputs.shape[1:]
        count = inputs.shape[0] or tf.shape(inputs)[0]
        # The channels of all images, as those of one.
        maps = tf.reshape(inputs, [count, height * width, channels])
        maps = tf.reshape(
            tf.transpose(maps, [1, 0, 2]), [1, height, width, count * channels]
        )
        gains, shifts = tf.tile(self.gamma, [count]), tf.tile(self.beta, [count])
        normed = _fused(maps, gains, shifts, self.epsilon).y
        normed = tf.reshape(normed, [height * width, count, channels])
        return tf.reshape(
            tf.transpose(normed, [1, 0, 2]), [count, height, width, channels]
        )


@keras.saving.register_keras_serializable("safefakes_tf")
class SyncBatchNorm(keras.layers.BatchNormalization):
    """Keras' synchronized layer, with one message per call where Keras sends three.

    All replicas must hold equal shares of the batch, as `training.loop` gives them.
    Training takes no masks: the message does not tell how much of a share counts.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "synchronized": True})  # kwargs: of a stored one

    def call(self, inputs, training=None, mask=None):
        alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
        if not (training and alone and mask is None and _is_fusible(inputs)):
            return super().call(inputs, training=training, mask=mask)
        batch = _fused(inputs, self.gamma, self.beta, self.epsilon)
        count = tf.size(inputs) // inputs.shape[-1]
        # The operation divides by one less.
        variance = batch.batch_variance * (1 - 1 / tf.cast(count, tf.float32))
        for moving, new in (
            (self.moving_mean, batch.batch_mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return batch.y

    def _moments(self, inputs, mask):
        if mask is not None:
            raise ValueError("SyncBatchNorm takes no mask")
        axes = self._reduction_axes
        local = [tf.reduce_mean(values, axes) for values in (inputs, tf.square(inputs))]
        replica = tf.distribute.get_replica_context()
        mean, square = tf.unstack(
            replica.all_reduce(tf.distribute.ReduceOp.MEAN, tf.stack(local))
        )
        return mean, tf.maximum(square - tf.square(mean), 0.0)


def _is_fusible(inputs):
    return len(inputs.shape) == 4 and inputs.dtype != tf.float64


def _fused(maps, gains, shifts, epsilon):
    return tf.raw_ops.FusedBatchNormV3(
        x=maps,
        scale=tf.cast(gains, tf.float32),
        offset=tf.cast(shifts, tf.float32),
        mean=[],
        variance=[],
        epsilon=epsilon,
        is_training=True,
    )
