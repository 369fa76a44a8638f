"""Parameters of a reference implementation, set into a Keras model's variables."""

from collections.abc import Callable, Mapping

import keras
import numpy as np


def reference_shape(variable: keras.Variable) -> tuple[int, ...]:
    """Return the shape of a kernel or vector in PyTorch's layout: outputs first."""
    shape = tuple(variable.shape)
    if len(shape) == 4:
        return (shape[3], shape[2], shape[0], shape[1])
    return shape[::-1] if len(shape) == 2 else shape


def to_keras(name: str, value: np.ndarray) -> np.ndarray:
    """Return an array of PyTorch's layout in that of Keras."""
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return value.T if value.ndim == 2 else value


def load(
    model_name: str,
    variables: Mapping[str, keras.Variable],
    parameters: Mapping[str, np.ndarray],
    convert: Callable[[str, np.ndarray], np.ndarray] = to_keras,
) -> None:
    """Set variables to the arrays of their names.

    Args:
        model_name: for the message.
        variables: by reference name.
        parameters: arrays by reference name.
        convert: name and array -> array in the variable's layout.

    Raises:
        ValueError: naming the parameters that are missing, not known or of another
            shape; nothing is set then.
    """
    problems = [f"missing {name}" for name in variables.keys() - parameters.keys()]
    problems += [f"unknown {name}" for name in parameters.keys() - variables.keys()]
    values = {}
    for name in variables.keys() & parameters.keys():
        values[name] = convert(name, np.asarray(parameters[name], np.float32))
        if values[name].shape != tuple(variables[name].shape):
            expected = reference_shape(variables[name])
            got = tuple(parameters[name].shape)
            problems.append(f"{name} must be {expected}, got {got}")
    if problems:
        raise ValueError(
            f"parameters do not fit {model_name}: {'; '.join(sorted(problems))}"
        )
    for name, value in values.items():
        variables[name].assign(value)
