"""Parameters of Sun2018 by the names of sun2018.md, section 7."""

from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.importers import parameters


def reference_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return {reference parameter name: variable} of a generator or discriminator."""
    generator = model.name == "sun2018_generator"
    variables = {}
    for layer in model.layers:
        if layer.weights:
            convolution = isinstance(layer, keras.layers.Conv2D)
            prefix = f"{layer.name}.conv" if generator and convolution else layer.name
            variables[f"{prefix}.weight"], variables[f"{prefix}.bias"] = layer.weights
    return variables


def load_reference(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set a network to parameters of these names.

    Args:
        model: from `sun2018.build_generator` or `build_discriminator`.
        arrays: by name; kernels are [out, in, height, width].

    Raises:
        ValueError: naming what is missing, not known or of another shape.
    """
    parameters.load(model.name, reference_variables(model), arrays)
