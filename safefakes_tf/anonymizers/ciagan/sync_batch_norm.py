"""Batch normalization over all replicas."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("safefakes_tf")
class SyncBatchNorm(keras.layers.BatchNormalization):
    """Keras' synchronized layer, with one message per call where Keras sends three.

    All replicas must hold equal shares of the batch, as `training.loop` gives them.
    Training takes no masks: the message does not tell how much of a share counts.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "synchronized": True})  # kwargs: of a stored one

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
