"""Parameters of the published DSFD code (`yxlijun/DSFD.pytorch`) for `build_dsfd`.

Source: dsfd.md, section 14.
"""

from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.importers import parameters

CONTAINERS = ("weight",)
VGG_INDICES = {
    "conv1_1": 0,
    "conv1_2": 2,
    "conv2_1": 5,
    "conv2_2": 7,
    "conv3_1": 10,
    "conv3_2": 12,
    "conv3_3": 14,
    "conv4_1": 17,
    "conv4_2": 19,
    "conv4_3": 21,
    "conv5_1": 24,
    "conv5_2": 26,
    "conv5_3": 28,
    "fc6": 31,
    "fc7": 33,
}
EXTRAS = ("conv6_1", "conv6_2", "conv7_1", "conv7_2")


def layer_names() -> dict[str, str]:
    """Return {reference module name: layer name of `build_dsfd`}."""
    names = {f"vgg.{index}": layer for layer, index in VGG_INDICES.items()}
    names |= {f"extras.{index}": layer for index, layer in enumerate(EXTRAS)}
    # The reference counts the top-down path from the top, everything else from level 1.
    names |= {f"fpn_topdown.{6 - level}": f"top_down_{level}" for level in range(1, 7)}
    names |= {f"fpn_latlayer.{5 - level}": f"lateral_{level}" for level in range(1, 6)}
    for level in range(1, 7):
        branch = f"fpn_fem.{level - 1}.branch"
        names[f"{branch}1"] = f"enhance_{level}_branch1_1"
        for number, depths in ((2, 2), (3, 3)):
            for depth in range(depths):  # ReLUs take the odd indices
                layer = f"enhance_{level}_branch{number}_{depth + 1}"
                names[f"{branch}{number}.{2 * depth}"] = layer
        for shot, number in (("first_shot", 1), ("second_shot", 2)):
            names[f"loc_pal{number}.{level - 1}"] = f"{shot}_boxes_{level}"
            names[f"conf_pal{number}.{level - 1}"] = f"{shot}_logits_{level}"
    for level in range(1, 4):
        names[f"L2Normof{level}"] = f"first_shot_norm_{level}"
        names[f"L2Normef{level}"] = f"second_shot_norm_{level}"
    return names


def reference_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return {reference parameter name: variable of the model}; 186 entries.

    Kernels are HWIO here, OIHW there: see `load_reference`.
    """
    variables = {}
    for module, layer in layer_names().items():
        for suffix, variable in zip(
            (".weight", ".bias"), model.get_layer(layer).weights, strict=False
        ):
            variables[module + suffix] = variable
    return variables


def load_reference(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set a DSFD to the parameters of the published code.

    Args:
        model: from `build_dsfd`.
        arrays: by reference name; a leading "module." is ignored; kernels
            are [out, in, height, width].

    Raises:
        ValueError: naming the parameters that are missing, not known or of another
            shape; nothing is set then.
    """
    if "0.weight" in arrays and not any(name.startswith("vgg.") for name in arrays):
        raise ValueError(
            "the file is of another network than DSFD: the VGG-16 that an SSD starts "
            "from; let a detector start from it with --mode=train_detector --weights="
        )
    parameters.load("DSFD", reference_variables(model), arrays)
