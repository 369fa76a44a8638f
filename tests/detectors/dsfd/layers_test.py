import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.detectors.dsfd.layers import (
    Conv2D,
    JoinPhases,
    L2Norm,
    ResizeLike,
)


@pytest.mark.parametrize(
    ("side", "options"),
    [
        (1, {"padding": "same"}),
        (4, {"padding": "same", "kernel_size": 1}),
        (4, {"padding": "same", "kernel_size": 1, "strides": 2}),
        (2, {"padding": "same"}),
        (3, {"padding": "same", "dilation_rate": 3}),
        (4, {"padding": "same", "dilation_rate": 3}),
        (3, {"strides": 2}),
        (4, {"strides": 2}),
        (5, {"strides": 2}),
    ],
)
def test_convolutions_of_small_maps_are_those_of_keras(side, options):
    maps = tf.constant(np.random.default_rng(0).normal(size=(2, side, side, 5)))
    outcomes = []
    options = {"kernel_size": 3, "bias_initializer": "ones", **options}
    for kind in (Conv2D, keras.layers.Conv2D):
        keras.utils.set_random_seed(0)
        layer = kind(3, dtype="float64", **options)
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = layer(maps)
            loss = tf.reduce_sum(tf.sin(outputs))
        sources = [maps, *(weight.value for weight in layer.trainable_weights)]
        outcomes.append([outputs, *tape.gradient(loss, sources)])
    for got, expected in zip(*outcomes, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (2, 7), (6, 9), (7, 10)])
def test_convolutions_between_phases_are_dilated_ones(size, known):
    data = np.random.default_rng(0).normal(size=(2, *size, 3))
    options = {"padding": "same", "bias_initializer": "ones", "dtype": "float64"}
    layers = [Conv2D(4, 3, step=3, activation="relu", **options) for _ in range(3)]
    join = JoinPhases(3, dtype="float64")
    dilated = [
        keras.layers.Conv2D(4, 3, dilation_rate=3, activation="relu", **options)
        for _ in range(3)
    ]

    def between_phases(maps):
        x = layers[0](maps)
        return join([x, layers[2](layers[1](x, whole=maps), whole=maps)], whole=maps)

    def one_by_one(maps):
        x = dilated[0](maps)
        return tf.concat([x, dilated[2](dilated[1](x))], axis=-1)

    one_by_one(data)
    between_phases(data)
    for layer, other in zip(layers, dilated, strict=True):
        layer.set_weights(other.get_weights())
    shape = data.shape if known else (None, None, None, 3)
    signature = [tf.TensorSpec(shape, tf.float64)]
    outcomes = []
    for function, owners in ((between_phases, layers), (one_by_one, dilated)):
        function = tf.function(function, input_signature=signature)
        with tf.GradientTape() as tape:
            outputs = function(tf.constant(data))
            loss = tf.reduce_sum(tf.sin(outputs))
        kernels = [layer.kernel.value for layer in owners]
        outcomes.append([outputs, *tape.gradient(loss, kernels)])
    for got, expected in zip(*outcomes, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_l2_norm():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    expected = 8 * maps / (np.sqrt((maps**2).sum(axis=-1, keepdims=True)) + 1e-10)
    np.testing.assert_allclose(L2Norm(8.0)(maps), expected, rtol=1e-5)


def test_l2_norm_has_a_finite_gradient_where_all_channels_are_zero():
    layer = L2Norm(10.0)
    maps = tf.zeros([1, 2, 2, 8])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        loss = tf.reduce_sum(layer(maps))
    gradients = tape.gradient(loss, [maps, *layer.trainable_variables])
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_aligned_corners_stay():
    maps = np.float32([[0, 3], [6, 9]])[None, :, :, None]
    target = tf.zeros([1, 4, 4, 7])
    resized = ResizeLike("align_corners")([maps, target])[0, :, :, 0]
    expected = np.arange(4)[None] + 2 * np.arange(4)[:, None]
    np.testing.assert_allclose(resized, expected, atol=1e-5)


def test_half_pixel_is_that_of_opencv():
    maps = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    target = tf.zeros([1, 9, 11, 1])
    resized = ResizeLike("half_pixel")([maps[None, :, :, None], target])[0, :, :, 0]
    expected = cv2.resize(maps, (11, 9), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(resized, expected, atol=1e-5)


def test_one_pixel_fills_the_target():
    maps = tf.fill([1, 1, 1, 2], 3.0)
    for convention in ("align_corners", "half_pixel"):
        resized = ResizeLike(convention)([maps, tf.zeros([1, 3, 2, 1])])
        np.testing.assert_array_equal(resized, np.full([1, 3, 2, 2], 3.0))


def test_unknown_convention():
    with pytest.raises(ValueError, match="align_corners, half_pixel; got 'nearest'"):
        ResizeLike("nearest")
