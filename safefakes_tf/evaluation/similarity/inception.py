"""The Inception network of FID: TensorFlow's of 2015, in the names of its PyTorch port.

Source: Szegedy et al., 2016; metrics.md, section 5.
"""

import functools
import os

import keras

from safefakes_tf.evaluation.similarity import feature_networks
from safefakes_tf.evaluation.similarity.frechet import FrechetDistance
from safefakes_tf.evaluation.similarity.metric import View
from safefakes_tf.importers import torch_files

VIEW = View(299, antialias=False)
EPSILON = 1e-3

# === Layers ===


def _conv(maps, name, channels, kernel_size=1, strides=1, padding="same"):
    maps = keras.layers.Conv2D(
        channels,
        kernel_size,
        strides,
        padding,
        use_bias=False,
        name=f"{name}.conv",
    )(maps)
    return keras.layers.ReLU()(feature_networks.normalize(maps, f"{name}.bn", EPSILON))


def _chain(maps, block, *convolutions):
    """Apply convolutions (name, channels, kernel size) one after another."""
    for name, *shape in convolutions:
        maps = _conv(maps, f"{block}.{name}", *shape)
    return maps


def _pool(maps, block, channels, layer=keras.layers.AveragePooling2D):
    """Apply the pool branch; padding is not counted in the averages."""
    return _conv(layer(3, 1, "same")(maps), f"{block}.branch_pool", channels)


def _join(*branches):
    return keras.layers.Concatenate()(branches)


def _halve(maps):
    return keras.layers.MaxPooling2D(3, 2)(maps)


# === Blocks ===


def _block_a(x, block, pooled):
    return _join(
        _chain(x, block, ("branch1x1", 64)),
        _chain(x, block, ("branch5x5_1", 48), ("branch5x5_2", 64, 5)),
        _chain(
            x,
            block,
            ("branch3x3dbl_1", 64),
            ("branch3x3dbl_2", 96, 3),
            ("branch3x3dbl_3", 96, 3),
        ),
        _pool(x, block, pooled),
    )


def _block_b(x, block):
    return _join(
        _chain(x, block, ("branch3x3", 384, 3, 2, "valid")),
        _chain(
            x,
            block,
            ("branch3x3dbl_1", 64),
            ("branch3x3dbl_2", 96, 3),
            ("branch3x3dbl_3", 96, 3, 2, "valid"),
        ),
        _halve(x),
    )


def _block_c(x, block, width):
    return _join(
        _chain(x, block, ("branch1x1", 192)),
        _chain(
            x,
            block,
            ("branch7x7_1", width),
            ("branch7x7_2", width, (1, 7)),
            ("branch7x7_3", 192, (7, 1)),
        ),
        _chain(
            x,
            block,
            ("branch7x7dbl_1", width),
            ("branch7x7dbl_2", width, (7, 1)),
            ("branch7x7dbl_3", width, (1, 7)),
            ("branch7x7dbl_4", width, (7, 1)),
            ("branch7x7dbl_5", 192, (1, 7)),
        ),
        _pool(x, block, 192),
    )


def _block_d(x, block):
    return _join(
        _chain(x, block, ("branch3x3_1", 192), ("branch3x3_2", 320, 3, 2, "valid")),
        _chain(
            x,
            block,
            ("branch7x7x3_1", 192),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, 3, 2, "valid"),
        ),
        _halve(x),
    )


def _block_e(x, block, pooling):
    narrow = _chain(x, block, ("branch3x3_1", 384))
    double = _chain(x, block, ("branch3x3dbl_1", 448), ("branch3x3dbl_2", 384, 3))
    return _join(
        _chain(x, block, ("branch1x1", 320)),
        _chain(narrow, block, ("branch3x3_2a", 384, (1, 3))),
        _chain(narrow, block, ("branch3x3_2b", 384, (3, 1))),
        _chain(double, block, ("branch3x3dbl_3a", 384, (1, 3))),
        _chain(double, block, ("branch3x3dbl_3b", 384, (3, 1))),
        _pool(x, block, 192, pooling),
    )


# === Functional Model ===


def build_inception() -> keras.Model:
    """Return the network, with random weights.

    Returns:
        A model from float32 [N, 299, 299, 3] in 0..255 to features, float32 [N, 2048],
        0 or more. Layers are called as the modules of the PyTorch port.
    """
    pixels = keras.Input([VIEW.side, VIEW.side, 3])
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(pixels)
    x = _conv(x, "Conv2d_1a_3x3", 32, 3, 2, "valid")  # [149, 149, 32]
    x = _conv(x, "Conv2d_2a_3x3", 32, 3, 1, "valid")
    x = _conv(x, "Conv2d_2b_3x3", 64, 3)  # [147, 147, 64]
    x = _halve(x)  # [73, 73, 64]
    x = _conv(x, "Conv2d_3b_1x1", 80, 1)
    x = _conv(x, "Conv2d_4a_3x3", 192, 3, 1, "valid")  # [71, 71, 192]
    x = _halve(x)  # [35, 35, 192]
    for block, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_a(x, block, pooled)  # [35, 35, 256], then 288 channels
    x = _block_b(x, "Mixed_6a")  # [17, 17, 768]
    for block, width in zip("bcde", (128, 160, 160, 192), strict=True):
        x = _block_c(x, f"Mixed_6{block}", width)
    x = _block_d(x, "Mixed_7a")  # [8, 8, 1280]
    x = _block_e(x, "Mixed_7b", keras.layers.AveragePooling2D)  # [8, 8, 2048]
    x = _block_e(x, "Mixed_7c", keras.layers.MaxPooling2D)
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def metric(path: str | os.PathLike) -> FrechetDistance:
    """Return FID with the weights of PyTorch's file `pt_inception-2015-12-05`.

    Raises:
        ValueError: if the file cannot be read or does not fit.
    """
    return FrechetDistance("fid", _network(path), VIEW)


@functools.cache
def _network(path):
    arrays = torch_files.read(path)
    return feature_networks.load(build_inception(), "FID's Inception", arrays)
