"""Fréchet distance on features of torchvision's MobileNetV2.

It needs no file that is hard to get. Its values are no FID and compare with none.

Source: Sandler et al., 2018, table 2.
"""

import functools
import os

import keras

from safefakes_tf.evaluation.similarity import feature_networks
from safefakes_tf.evaluation.similarity.frechet import FrechetDistance
from safefakes_tf.evaluation.similarity.metric import View
from safefakes_tf.importers import torch_files

VIEW = View(224, antialias=True)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, white: 1
EPSILON = 1e-5
# Expansion, channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
CHANNELS = 1280

# === Layers ===


def _norm(maps, name):
    return feature_networks.normalize(maps, name, EPSILON)


def _conv(maps, name, channels):
    return keras.layers.Conv2D(channels, 1, use_bias=False, name=name)(maps)


def _relu(maps):
    return keras.layers.ReLU(6.0)(maps)


def _block(maps, name, expansion, channels, stride):
    """Widen, filter each channel, narrow; add the input where shapes allow."""
    x, width, index = maps, maps.shape[-1], 0
    if expansion > 1:
        x = _conv(x, f"{name}.{index}.0", width * expansion)
        x = _relu(_norm(x, f"{name}.{index}.1"))
        index += 1
    x = keras.layers.ZeroPadding2D(1)(x)  # also where the stride is 2
    x = keras.layers.DepthwiseConv2D(
        3, stride, use_bias=False, name=f"{name}.{index}.0"
    )(x)
    x = _relu(_norm(x, f"{name}.{index}.1"))
    x = _conv(x, f"{name}.{index + 1}", channels)
    x = _norm(x, f"{name}.{index + 2}")
    return maps + x if stride == 1 and width == channels else x


# === Functional Model ===


def build_mobilenet_v2() -> keras.Model:
    """Return the network, with random weights.

    Returns:
        A model from float32 [N, 224, 224, 3] in 0..255 to features, float32 [N, 1280].
        Layers are called as the modules of torchvision's.
    """
    pixels = keras.Input([VIEW.side, VIEW.side, 3])
    scale = [1 / 255 / deviation for deviation in DEVIATION]
    offset = [-mean / d for mean, d in zip(MEAN, DEVIATION, strict=True)]
    x = keras.layers.Rescaling(scale, offset)(pixels)
    x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.Conv2D(32, 3, 2, use_bias=False, name="features.0.0")(x)
    x = _relu(_norm(x, "features.0.1"))  # [112, 112, 32]
    number = 1
    for expansion, channels, blocks, stride in STAGES:
        for index in range(blocks):
            name = f"features.{number}.conv"
            x = _block(x, name, expansion, channels, 1 if index else stride)
            number += 1
    x = _conv(x, f"features.{number}.0", CHANNELS)  # [7, 7, 1280]
    x = _relu(_norm(x, f"features.{number}.1"))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def metric(path: str | os.PathLike) -> FrechetDistance:
    """Return the metric with the weights of torchvision's file.

    Raises:
        ValueError: if the file cannot be read or does not fit.
    """
    return FrechetDistance("frechet_mobilenet_v2", _network(path), VIEW)


@functools.cache
def _network(path):
    arrays = torch_files.read(path)
    return feature_networks.load(build_mobilenet_v2(), "MobileNetV2", arrays)
