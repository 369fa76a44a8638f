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
        return _normed_instances(inputs, *_tensors(self.gamma, self.beta), self.epsilon)


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
        batch = _normed_batch(inputs, *_tensors(self.gamma, self.beta), self.epsilon)
        # The operation divides by one less.
        fewer = 1 - 1 / _count(inputs)
        for moving, new, share in (
            (self.moving_mean, batch.batch_mean, 1 - self.momentum),
            (self.moving_variance, batch.batch_variance, fewer * (1 - self.momentum)),
        ):
            moving.assign(moving * self.momentum + new * share)
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


def _tensors(*variables):
    return [tf.convert_to_tensor(variable) for variable in variables]


def _count(maps):
    """Return how many pixels a channel of all maps has, as a number if it is known."""
    pixels = maps.shape[:3]
    if pixels.is_fully_defined():
        return pixels.num_elements()
    return tf.cast(tf.size(maps) // maps.shape[-1], tf.float32)


def _normed_instances(maps, gains, shifts, epsilon):
    """Return maps, each channel of each normed by itself."""
    count = maps.shape[0] or tf.shape(maps)[0]
    height, width, channels = maps.shape[1:]

    def joined(maps):
        """Return the channels of all maps as those of one."""
        maps = tf.transpose(maps, [1, 2, 0, 3])
        return tf.reshape(maps, [1, height, width, count * channels])

    def parted(maps):
        maps = tf.reshape(maps, [height, width, count, channels])
        return tf.transpose(maps, [2, 0, 1, 3])

    # Its gradient is written down: TensorFlow's takes twice as many operations.
    @tf.custom_gradient
    def norm(maps, gains, shifts):
        inputs, all_gains = joined(maps), tf.tile(gains, [count])
        normed = tf.raw_ops.FusedBatchNormV3(
            **_arguments(inputs, all_gains, tf.tile(shifts, [count]), epsilon)
        )

        def gradient(upstream):
            found = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=joined(upstream),
                x=inputs,
                scale=tf.cast(all_gains, tf.float32),
                reserve_space_1=normed.reserve_space_1,
                reserve_space_2=normed.reserve_space_2,
                reserve_space_3=normed.reserve_space_3,
                epsilon=epsilon,
            )
            sums = (
                tf.reduce_sum(tf.reshape(part, [count, channels]), 0)
                for part in (found.scale_backprop, found.offset_backprop)
            )
            of_maps = parted(found.x_backprop)
            return of_maps, *(tf.cast(part, gains.dtype) for part in sums)

        return parted(normed.y), gradient

    return norm(maps, gains, shifts)


def _normed_batch(maps, gains, shifts, epsilon):
    """Return maps, each channel normed over all of them; and its moments."""
    arguments = _arguments(maps, gains, shifts, epsilon)
    if maps.dtype == tf.float32:
        # The gradient of the other one makes zeros for outputs that nobody reads.
        return tf.raw_ops.FusedBatchNorm(**arguments)
    return tf.raw_ops.FusedBatchNormV3(**arguments)


def _arguments(maps, gains, shifts, epsilon):
    empty = tf.constant([], tf.float32)
    return {
        "x": maps,
        "scale": tf.cast(gains, tf.float32),
        "offset": tf.cast(shifts, tf.float32),
        "mean": empty,
        "variance": empty,
        "epsilon": epsilon,
    }
