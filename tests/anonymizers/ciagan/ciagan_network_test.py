import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.ciagan.spectral import SpectralConv2D
from safefakes_tf.config import CiaganConfig


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def test_published_sizes():
    config = CiaganConfig()
    assert trainable(ciagan.build_generator(config)) == 11_801_123
    assert trainable(ciagan.build_critic(config)) == 18_233_409
    assert trainable(ciagan.build_identity_network(config)) == 12_924_144


@pytest.mark.parametrize("resolution", [16, 64])
def test_narrow_networks_run(resolution):
    config = CiaganConfig(1 / 16, resolution, num_identities=5)
    pixels = tf.zeros([2, resolution, resolution, 3])
    image = ciagan.build_generator(config)(
        {"landmarks": pixels, "face": pixels, "identity": tf.one_hot([0, 4], 5)}
    )
    assert image.shape == pixels.shape
    critic = ciagan.build_critic(config)
    assert critic({"image": image, "landmarks": pixels}).shape == (2, 1)
    assert ciagan.build_identity_network(config)(image).shape == (2, 5)


@pytest.mark.parametrize("resolution", [8, 100, 256])
def test_another_resolution_is_refused(resolution):
    with pytest.raises(ValueError, match=rf"16, 32, 64, 128\); got {resolution}"):
        ciagan.build_generator(CiaganConfig(resolution=resolution))


@pytest.mark.parametrize("resampling", ["halve", "double"])
def test_resampling_is_that_of_a_layer_of_its_own(resampling):
    plain = SpectralConv2D(3, 3, dtype="float64")
    layer = SpectralConv2D(3, 3, resampling=resampling, dtype="float64")
    pool = keras.layers.AveragePooling2D(2, dtype="float64")
    enlarge = keras.layers.UpSampling2D(2, dtype="float64")
    image = tf.constant(np.random.default_rng(2).normal(size=[2, 4, 6, 5]))
    weights = tf.random.stateless_normal([2, 8, 12, 3], [0, 0], dtype=tf.float64)

    def published(image):
        return pool(plain(image)) if resampling == "halve" else plain(enlarge(image))

    def outcome(call, layer):
        with tf.GradientTape() as tape:
            tape.watch(image)
            outputs = call(image)
            height, width = outputs.shape[1:3]
            loss = tf.reduce_sum(outputs * weights[:, :height, :width])
        return outputs, *tape.gradient(loss, [image, layer.kernel.value])

    assert layer(image).shape == layer.compute_output_shape(image.shape)
    plain(image)
    layer.set_weights(plain.get_weights())
    for got, expected in zip(
        outcome(layer, layer), outcome(published, plain), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_training_calls_converge_to_the_largest_singular_value():
    layer = SpectralConv2D(6, 3)
    image = np.random.default_rng(0).normal(size=[1, 8, 8, 4]).astype(np.float32)
    layer(image)
    before = np.array(layer.u.value)
    layer(image)
    np.testing.assert_array_equal(layer.u.value, before)
    for _ in range(200):
        layer(image, training=True)
    kernel = np.array(layer.kernel.value)
    largest = np.linalg.svd(kernel.reshape(-1, 6), compute_uv=False)[0]
    layer.fold()
    np.testing.assert_allclose(layer.kernel, kernel / largest, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_the_vectors_are_constants_for_the_gradient(training):
    layer = SpectralConv2D(2, 1)
    image = tf.constant(np.random.default_rng(1).normal(size=[1, 4, 4, 3]), tf.float32)
    layer(image)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(image, training=training))
    got = tape.gradient(loss, layer.kernel.value)
    u, v = np.array(layer.u.value), np.array(layer.v.value)

    with tf.GradientTape() as tape:
        kernel = tf.constant(layer.kernel.value)
        tape.watch(kernel)
        matrix = tf.reshape(kernel, [3, 2])
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)
        loss = tf.reduce_sum(tf.nn.conv2d(image, kernel / sigma, 1, "VALID"))
    np.testing.assert_allclose(got, tape.gradient(loss, kernel), rtol=1e-4, atol=1e-6)


def test_a_generator_of_fewer_identities_paints_those_alike():
    keras.utils.set_random_seed(0)
    config = CiaganConfig(1 / 16, 16, num_identities=5)
    known = dataclasses.replace(config, num_identities=3)
    all_five, three = ciagan.build_generator(config), ciagan.build_generator(known)
    ciagan.copy_first_identities(all_five, three)
    given = {
        ciagan.LANDMARKS: np.ones([3, 16, 16, 3], np.float32),
        ciagan.FACE: np.zeros([3, 16, 16, 3], np.float32),
    }
    expected = all_five({**given, ciagan.IDENTITY: np.eye(3, 5, dtype=np.float32)})
    painted = three({**given, ciagan.IDENTITY: np.eye(3, dtype=np.float32)})
    np.testing.assert_array_equal(painted, expected)
