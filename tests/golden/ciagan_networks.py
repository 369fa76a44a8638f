"""CIAGAN's networks with the weights of the golden files."""

import golden_weights
import keras
import numpy as np

from safefakes_tf.anonymizers.ciagan import importer
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.config import CiaganConfig
from safefakes_tf.importers.parameters import reference_shape

BUILDERS = {
    "generator": ciagan.build_generator,
    "critic": ciagan.build_critic,
    "identity": ciagan.build_identity_network,
}


def build(network, salt, dtype="float32"):
    try:
        keras.config.set_dtype_policy(dtype)
        model = BUILDERS[network](CiaganConfig())
    finally:
        keras.config.set_dtype_policy("float32")
    variables = importer.reference_variables(model)
    importer.load_reference(
        model, {n: _parameter(salt, n, v) for n, v in variables.items()}
    )
    return model


def _parameter(salt, name, variable):
    shape = reference_shape(variable)
    return golden_weights.fill(salt, name, shape, _kind(name, shape))


def _kind(name, shape):
    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("running_mean", "running_var"):
        return leaf
    if leaf in ("weight_u", "weight_v"):
        return f"sn_{leaf[-1]}"
    plain = "conv2d" in name or "dense" in name or "one_hot" in name
    plain = plain or "linear" in name or "conv_end" in name
    if leaf == "bias":
        return "bias" if plain else "norm_bias"
    return {4: "conv", 2: "linear", 1: "norm_weight"}[len(shape)]


def nhwc(array):
    return np.moveaxis(array, 1, -1)


def thinned(maps):
    maps = np.asarray(maps)
    if maps.ndim == 2:
        return maps
    maps = maps.transpose(0, 3, 1, 2)
    step, stride = max(1, maps.shape[1] // 16), max(1, maps.shape[2] // 8)
    return maps[:, ::step, ::stride, ::stride]
