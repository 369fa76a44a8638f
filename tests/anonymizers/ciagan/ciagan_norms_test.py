import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan.norms import InstanceNorm, SyncBatchNorm
from safefakes_tf.training import strategy

BATCH = np.random.default_rng(0).normal(3.0, 2.0, size=(4, 3, 3, 5))
WEIGHTS = np.random.default_rng(1).normal(size=BATCH.shape)  # of each output, in a loss


def norm(make_layer, devices, dtype):
    """Return outputs, gradients of inputs, gain and shift, and the moving moments."""
    distribution = strategy.create(devices)
    with distribution.scope():
        layer = make_layer(momentum=0.9, epsilon=1e-5, dtype=dtype)
        layer.build(BATCH.shape)
    share = len(BATCH) // distribution.num_replicas_in_sync

    def of_replica(values):
        def cut(context):
            first = context.replica_id_in_sync_group * share
            part = values[first : first + share]
            return tf.constant(part, keras.DTypePolicy(dtype).compute_dtype)

        return distribution.experimental_distribute_values_from_function(cut)

    def step(inputs, weights):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.cast(outputs * weights, tf.float64))
        return outputs, *tape.gradient(loss, [inputs, layer.gamma, layer.beta])

    parts = tf.function(distribution.run)(
        step, (of_replica(BATCH), of_replica(WEIGHTS))
    )
    outputs, inputs, gains, shifts = (
        [
            np.array(part, np.float64)
            for part in distribution.experimental_local_results(x)
        ]
        for x in parts
    )
    moments = [np.array(x, np.float64) for x in layer.non_trainable_weights]
    return (
        np.concatenate(outputs),
        np.concatenate(inputs),
        np.sum(gains, axis=0),
        np.sum(shifts, axis=0),
        *moments,
    )


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-12), ("float32", 1e-5), ("mixed_float16", 5e-3)],
)
def test_it_norms_the_shares_of_replicas_as_keras_the_whole_batch(
    devices, dtype, tolerance
):
    got = norm(SyncBatchNorm, devices, dtype)
    expected = norm(keras.layers.BatchNormalization, "cpu", dtype)
    for ours, theirs in zip(got, expected, strict=True):
        limit = tolerance * np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=limit)


@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_float16"])
def test_instances_are_normed_as_by_keras(dtype):
    tolerance = {"float64": 1e-12, "float32": 1e-5, "mixed_float16": 5e-3}[dtype]

    def per_channel(**others):
        del others["momentum"]
        return keras.layers.GroupNormalization(-1, **others)

    def ours(**others):
        del others["momentum"]
        return InstanceNorm(**others)

    for got, expected in zip(
        norm(ours, "cpu", dtype), norm(per_channel, "cpu", dtype), strict=True
    ):
        limit = tolerance * np.abs(expected).max()
        np.testing.assert_allclose(got, expected, rtol=0, atol=limit)


def test_masks_are_refused():
    layer = SyncBatchNorm()
    with pytest.raises(ValueError, match="takes no mask"):
        layer(tf.ones([2, 3]), training=True, mask=tf.constant([True, False]))
