"""Image classifiers without their last layer, under the names of PyTorch's files."""

from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.importers import parameters

_SUFFIXES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_UNUSED = ("fc.", "AuxLogits.", "classifier.")  # what follows the features


def normalize(maps, name: str, epsilon: float):
    """Apply batch normalization with fixed statistics."""
    return keras.layers.BatchNormalization(epsilon=epsilon, name=name)(maps)


def reference_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return {name in PyTorch's file: variable}; layers are called as modules there."""
    return {
        f"{layer.name}.{_SUFFIXES[variable.name]}": variable
        for layer in model.layers
        for variable in layer.weights
    }


def load(
    model: keras.Model, model_name: str, arrays: Mapping[str, np.ndarray]
) -> keras.Model:
    """Set a network to the parameters of PyTorch's, and return it.

    Args:
        model: whose layers are called as the modules are.
        model_name: for the message.
        arrays: by parameter name; those of the classifier's last layers and counters of
            batches are left out.

    Raises:
        ValueError: naming what is missing, not known or of another shape.
    """
    arrays = {
        name: value
        for name, value in arrays.items()
        if not (name.startswith(_UNUSED) or name.endswith("num_batches_tracked"))
    }
    parameters.load(model_name, reference_variables(model), arrays, _to_keras)
    return model


def _to_keras(name, value):
    if value.ndim == 4 and value.shape[1] == 1:  # one input per channel: depthwise
        return value.transpose(2, 3, 0, 1)
    return parameters.to_keras(name, value)
