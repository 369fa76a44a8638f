import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.config import Sun2018Config
from safefakes_tf.training import strategy


def test_sizes():
    config = Sun2018Config()
    assert sun2018.build_generator(config).count_params() == 18_921_539
    assert sun2018.build_discriminator(config).count_params() == 4_341_121


@pytest.mark.parametrize("resolution", [16, 32, 64])
def test_narrow_networks_run(resolution):
    config = Sun2018Config(width=8, resolution=resolution)
    points = tf.fill([2, 68, 2], -1.0)
    image = sun2018.build_generator(config)(
        {
            "condition": tf.zeros([2, resolution, resolution, 3]),
            "keypoint_maps": sun2018.keypoint_maps(points, resolution),
        }
    )
    assert image.shape == (2, resolution, resolution, 3)
    assert sun2018.build_discriminator(config)(image).shape == (2, 1)


def test_a_resolution_that_does_not_halve_four_times_is_refused():
    with pytest.raises(ValueError, match="multiple of 16; got 40"):
        sun2018.build_generator(Sun2018Config(resolution=40))


def test_absent_and_outer_points_have_empty_maps():
    points = np.full([1, 68, 2], -1.0)
    points[0, 3] = 7.9, 0.2  # at the upper border
    points[0, 4] = 16.0, 3.0  # just outside
    maps = sun2018.keypoint_maps(points, 16).numpy()
    assert (maps[..., [0, 4]] == -1).all()
    assert (maps[..., 3] == 1).sum() == 9  # a disc of 13 without its upper 4
    assert maps[0, 0, 5, 3] == maps[0, 2, 7, 3] == 1


def test_norm_sees_the_batch_of_all_replicas():
    values = np.random.default_rng(0).normal(size=[4, 2, 2, 3]).astype(np.float32)
    alone = sun2018.BatchStatisticsNorm()(values)
    devices = strategy.create("cpu:2")
    with devices.scope():
        norm = sun2018.BatchStatisticsNorm()
        norm.build(values.shape)
    halves = devices.experimental_distribute_values_from_function(
        lambda context: tf.constant(values[2 * context.replica_id_in_sync_group :][:2])
    )
    parts = tf.function(lambda: devices.run(norm, args=(halves,)))()
    together = tf.concat(devices.experimental_local_results(parts), axis=0)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_norm_of_maps_that_hardly_vary_is_finite():
    noise = np.random.default_rng(0).normal(size=[4, 8, 8, 64])
    normed = sun2018.BatchStatisticsNorm()(np.float32(10 + 1e-3 * noise)).numpy()
    assert np.abs(normed).max() < 10
