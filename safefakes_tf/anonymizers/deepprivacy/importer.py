"""Parameters of the published DeepPrivacy code for the networks of `deepprivacy`.

Version 1 has one layout per stage of growth, version 2 a flat one for the last stage.

Source: deepprivacy.md, section 12.
"""

from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.anonymizers.deepprivacy.network import (
    CONDITION,
    IMAGE,
    LOWEST,
    RESOLUTIONS,
)
from safefakes_tf.config import DeepPrivacyConfig
from safefakes_tf.importers import parameters

CONTAINERS = ("running_average_generator", "parameters")  # the EMA of the generator
CORE = "core_blocks_down."


def generator_prefixes(resolution: int) -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of a generator of version 1."""
    names = {
        f"from_rgb_{resolution}": "from_rgb_new.0",
        f"from_rgb_{resolution // 2}": "from_rgb_old.1.0",
        f"to_rgb_{resolution}": "to_rgb_new",
        f"to_rgb_{resolution // 2}": "to_rgb_old",
    }
    names |= _encoder(resolution, "new_down.0.model")
    names |= _decoder(resolution, "new_up.0.0", "new_up.1.model")
    core = _core_sides(resolution)
    for index, side in enumerate(core):
        # The first block has no Down in front, the last is no block of its own.
        place = "" if side == LOWEST and index == 0 else ".0" if index == 0 else ".1"
        inner = "" if side == LOWEST and index > 0 else ".model"
        names |= _encoder(side, f"core_blocks_down.{index}{place}{inner}")
    for index, side in enumerate(reversed(core)):
        prefix = f"core_blocks_up.{index}"
        if side == LOWEST:
            prefix = f"{prefix}.0"
        names |= _decoder(side, f"{prefix}.0.0", f"{prefix}.1.model")
    return names


def flat_generator_prefixes() -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of version 2, at 128 pixels."""
    names = {"from_rgb_128": "encoder.from_rgb.conv.0", "to_rgb_128": "to_rgb"}
    for index, side in enumerate((4, 8, 16, 32, 64, 128)):
        for number in (1, 2):
            place = f"basic_block{index}.layers.{3 * (number - 1)}"
            names[f"encoder_{side}_{number}"] = f"encoder.{place}"
            names[f"decoder_{side}_{number}"] = f"decoder.{place}"
        merge = f"skip_connection{index}.conv.layers.0" if index else "conv1x1.conv.0"
        names[f"decoder_{side}_merge"] = f"decoder.{merge}"
    return names


def discriminator_prefixes(resolution: int) -> dict[str, str]:
    """Return {layer name: prefix of its parameters} of a discriminator."""
    names = {
        f"from_rgb_{resolution}": "from_rgb_new.0",
        f"from_rgb_{resolution // 2}": "from_rgb_old.1.0",
        f"block_{resolution}_1": "new_block.0.0",
        f"block_{resolution}_2": "new_block.1.0",
        "score": "output_layer",
    }
    for index, side in enumerate(_core_sides(resolution)):
        for number in (1, 2):
            names[f"block_{side}_{number}"] = f"core_model.{index}.{number - 1}.0"
    return names


def reference_variables(
    model: keras.Model, flat: bool = False
) -> dict[str, keras.Variable]:
    """Return {reference parameter name: variable of the model}.

    Args:
        model: generator or discriminator.
        flat: the names of version 2, for a generator of 128 pixels.
    """
    resolution = model.input[CONDITION].shape[1]
    if IMAGE in model.input:
        prefixes = discriminator_prefixes(resolution)
    elif flat:
        prefixes = flat_generator_prefixes()
    else:
        prefixes = generator_prefixes(resolution)
    kernel = {"score": "linear.weight"}
    variables = {}
    for layer in model.layers:
        if layer.weights:
            inner = "weight" if flat else kernel.get(layer.name, "conv.weight")
            variables[f"{prefixes[layer.name]}.{inner}"] = layer.kernel
            variables[f"{prefixes[layer.name]}.bias"] = layer.bias
    return variables


def config_of(arrays: Mapping[str, np.ndarray]) -> DeepPrivacyConfig:
    """Return the settings of the generator that parameters of these names belong to."""
    widths = [value.shape[0] for value in arrays.values() if value.ndim == 4]
    blocks = {name.split(".")[1] for name in arrays if name.startswith(CORE)}
    # Only version 1 has other stages than the last; those below it have fewer blocks.
    resolution = LOWEST * 2 ** len(blocks) if blocks else RESOLUTIONS[-1]
    if resolution not in RESOLUTIONS or not widths:
        return DeepPrivacyConfig()
    return DeepPrivacyConfig(channels=max(8, *widths), resolution=resolution)


def load_reference(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set a network to the parameters of the published code, version 1 or 2.

    Args:
        model: from `build_generator` or `build_discriminator`. Without fade-in, the
            layers that a checkpoint keeps from the fade-in are passed over.
        arrays: by reference name; kernels are [out, in, height, width].

    Raises:
        ValueError: naming what is missing, not known or of another shape.
    """
    flat = any(name.startswith("encoder.") for name in arrays)
    variables = reference_variables(model, flat)
    leftovers = ("from_rgb_old.", "to_rgb_old.")
    if not any(name.startswith(leftovers) for name in variables):
        arrays = {k: v for k, v in arrays.items() if not k.startswith(leftovers)}
    parameters.load(model.name, variables, arrays, _to_keras)


def _to_keras(name, value):
    if name.endswith("bias"):
        return value.reshape(-1)  # version 1 stores (1, channels, 1, 1)
    return parameters.to_keras(name, value)


def _encoder(side, prefix):
    return {f"encoder_{side}_{n}": f"{prefix}.{n - 1}.0" for n in (1, 2)}


def _decoder(side, merge, prefix):
    names = {f"decoder_{side}_{n}": f"{prefix}.{n - 1}.0" for n in (1, 2)}
    return {f"decoder_{side}_merge": merge, **names}


def _core_sides(resolution):
    """Return the resolutions below the newest, falling to 4 px."""
    return [2**power for power in range(resolution.bit_length() - 2, 1, -1)]
