"""Parameters of the published CIAGAN code for the networks of `ciagan`.

Source: ciagan.md, section 10.
"""

from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.ciagan.spectral import SpectralConv2D
from safefakes_tf.config import CiaganConfig
from safefakes_tf.importers import parameters

CONTAINERS = ()
COUNTER = "num_batches_tracked"  # of batches seen; nothing here depends on it


def generator_prefixes() -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of the generator."""
    names = {"fuse": "embed.0", "fuse_norm": "embed.1", "image": "conv_end.0"}
    for level in range(5):
        names |= _block(f"encoder_{level}", f"conv{level}")
        names |= _block(f"decoder_{level}", f"deconv{level}")
        names[f"encoder_{level}_norm"] = f"in{level}_e"
        names[f"decoder_{level}_norm"] = f"in{level}_d"
        for number in (1, 2):
            name = f"decoder_{level}_norm{number}"
            names[name] = f"deconv{level}.norm_r{number}"
    for number in range(3):  # each is convolution, activation, norm
        names[f"identity_conv_{number}"] = f"encode_noise.{3 * number}"
        names[f"identity_conv_{number}_norm"] = f"encode_noise.{3 * number + 2}"
    for number in range(7):  # activations take the odd indices
        names[f"identity_{number}"] = f"encode_one_hot.{2 * number}"
    for block in range(1, ciagan.RESIDUAL_BLOCKS + 1):
        for number in (1, 2):
            names[f"residual_{block}_{number}"] = f"res{block}.conv{number}"
            names[f"residual_{block}_norm{number}"] = f"res{block}.in{number}"
    return names


def critic_prefixes() -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of the critic."""
    names = {"dense_0": "dense0", "dense_1": "dense1"}
    for number in range(1, 6):
        names |= _block(f"block_{number}", f"conv{number}")
    return names


def identity_prefixes() -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of the identity network."""
    names = {"stem": "conv1", "stem_norm": "bn1"}
    names |= {"linear_1": "linear1", "linear_2": "linear2"}
    for stage in range(1, 5):
        for block in (1, 2):
            layer, prefix = f"stage_{stage}_{block}", f"layer{stage}.{block - 1}"
            for part, number in (("a", 1), ("b", 2)):
                names[f"{layer}_{part}"] = f"{prefix}.conv{number}"
                names[f"{layer}_{part}_norm"] = f"{prefix}.bn{number}"
            names[f"{layer}_short"] = f"{prefix}.shortcut.0"
            names[f"{layer}_short_norm"] = f"{prefix}.shortcut.1"
    return names


PREFIXES = {
    "ciagan_generator": generator_prefixes,
    "ciagan_critic": critic_prefixes,
    "ciagan_identity_network": identity_prefixes,
}


def reference_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return {reference parameter name: variable of the model}."""
    prefixes = PREFIXES[model.name]()
    variables = {}
    for layer in model.layers:
        if layer.weights:
            names = _leaves(layer)
            prefix = prefixes[layer.name]
            variables |= {
                f"{prefix}.{name}": variable
                for name, variable in zip(names, layer.weights, strict=True)
            }
    return variables


def config_of(arrays: Mapping[str, np.ndarray]) -> CiaganConfig:
    """Return the settings of the generator that parameters of these names belong to."""
    first = arrays.get("encode_one_hot.0.weight")
    known = first is not None and first.ndim == 2
    identities = first.shape[1] if known else CiaganConfig().num_identities
    return CiaganConfig(num_identities=identities, jpeg_landmark_maps=True)


def load_reference(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set a network to the parameters of the published code.

    Args:
        model: from `build_generator`, `build_critic` or `build_identity_network`.
        arrays: by reference name; kernels are [out, in, height, width].

    Raises:
        ValueError: naming what is missing, not known or of another shape.
    """
    variables = reference_variables(model)
    arrays = {k: v for k, v in arrays.items() if not k.endswith(COUNTER)}

    def convert(name, value):
        if not name.endswith("weight_v"):
            return parameters.to_keras(name, value)
        # The rows of the kernel's matrix run over (in, height, width) there.
        kernel = variables[name.replace("weight_v", "weight_orig")]
        height, width, channels, _ = kernel.shape
        if value.shape != (height * width * channels,):
            return value  # listed among what does not fit
        planes = value.reshape(channels, height, width)
        return planes.transpose(1, 2, 0).reshape(-1)

    parameters.load(model.name, variables, arrays, convert)


def _leaves(layer):
    """Return the reference's names of a layer's variables, in the layer's order."""
    if isinstance(layer, SpectralConv2D):
        leaves = ("weight_orig", "bias", "weight_u", "weight_v")
        return [f"conv2d.{leaf}" for leaf in leaves]
    if isinstance(layer, keras.layers.BatchNormalization):
        return ["weight", "bias", "running_mean", "running_var"]
    return ["weight", "bias"][: len(layer.weights)]


def _block(layer, prefix):
    return {f"{layer}_{part}": f"{prefix}.conv_{part}" for part in ("r1", "r2", "l")}
