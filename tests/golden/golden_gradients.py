"""Gradients as golden files hold them: norm and first elements, by reference names."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np


def by_name(
    variables: Mapping[str, keras.Variable],
    model: keras.Model,
    values: Sequence[np.ndarray],
) -> dict[str, np.ndarray]:
    """Return one array per trainable variable, in the layout of the reference.

    Args:
        variables: of the model, by reference name.
        model: the network.
        values: of `model.trainable_variables`, in turn.
    """
    trained = zip(model.trainable_variables, values, strict=True)
    of = {variable.path: np.asarray(value) for variable, value in trained}
    return {
        name: _outputs_first(of[variable.path])
        for name, variable in variables.items()
        if variable.path in of
    }


def _outputs_first(value):
    if value.ndim == 4:
        return value.transpose(3, 2, 0, 1)
    return value.T if value.ndim == 2 else value


def compare(
    arrays: Mapping[str, np.ndarray],
    key: str,
    gradients: Mapping[str, np.ndarray],
    tolerance: float,
) -> int:
    """Assert that gradients are those of a golden file, and return how many it holds.

    Args:
        arrays: of the file.
        key: before the colon of their names.
        gradients: from `by_name`.
        tolerance: relative, of each element or of the norm.
    """
    held = {name: f"{key}:{name}" for name in gradients if f"{key}:{name}" in arrays}
    for name, stored in held.items():
        gradient, expected = gradients[name], arrays[stored]
        got = [np.linalg.norm(gradient), *gradient.ravel()[: len(expected) - 1]]
        np.testing.assert_allclose(
            got, expected, rtol=tolerance, atol=tolerance * expected[0], err_msg=name
        )
    return len(held)
