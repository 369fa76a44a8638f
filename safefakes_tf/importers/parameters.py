"""Parameters of a reference implementation, set into a Keras model's variables."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

MOST_TOLD = 10  # names


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


def listed(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - MOST_TOLD
    return ", ".join(names[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


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
    missing = sorted(variables.keys() - parameters.keys())
    unknown = sorted(parameters.keys() - variables.keys())
    if len(missing) == len(variables):
        raise ValueError(
            f"the file is of another network than {model_name}: it has none of the "
            f"parameters {listed(missing)}; it has {listed(unknown)}"
        )
    problems = [f"missing {listed(missing)}"] if missing else []
    problems += [f"unknown {listed(unknown)}"] if unknown else []
    shapes, values = [], {}
    for name in sorted(variables.keys() & parameters.keys()):
        values[name] = convert(name, np.asarray(parameters[name], np.float32))
        if values[name].shape != tuple(variables[name].shape):
            expected = reference_shape(variables[name])
            got = tuple(parameters[name].shape)
            shapes.append(f"{name} must be {expected}, got {got}")
    problems += [listed(shapes)] if shapes else []
    if problems:
        raise ValueError(f"parameters do not fit {model_name}: {'; '.join(problems)}")
    for name, value in values.items():
        variables[name].assign(value)
