"""Parameters of published checkpoints.

The `importer` module of a method tells of its checkpoints:
    CONTAINERS: keys, one inside the other, under which the parameters may lie.
    load_reference(model, arrays): sets a network to parameters of the published names.
    config_of(arrays): of a generator, the settings that its parameters tell.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from safefakes_tf.importers import (
    mistaken_files,
    npz_files,
    parameters,
    safetensors_files,
    torch_files,
    zip_files,
)


def read(
    path: str | os.PathLike,
    containers: Sequence[str] = (),
    max_gb: float = zip_files.MAX_GB,
) -> dict[str, np.ndarray]:
    """Return the parameters of a checkpoint by their published names.

    Args:
        path: a file of `torch.save` or of safetensors, or an `.npz` of name -> array.
        containers: keys, one inside the other, under which the parameters may lie.
        max_gb: what all arrays may take in memory, in 10**9 bytes.

    Raises:
        ValueError: if the file is not readable, too large, or holds no parameters.
    """
    path = pathlib.Path(path)
    mistaken_files.check(path)
    if path.suffix == ".npz":
        tree = _read_npz(path, max_gb)
    elif safetensors_files.recognises(path):
        tree = safetensors_files.read(path, max_gb)
    else:
        tree = torch_files.read(path, max_gb)
    for key in containers:
        if isinstance(tree, Mapping) and isinstance(tree.get(key), Mapping):
            tree = tree[key]
    if not isinstance(tree, Mapping) or not any(map(_is_array, tree.values())):
        raise ValueError(
            f"{path} must map parameter names to tensors; got {_describe(tree)}"
        )
    # "module." stands before each name where several devices trained.
    arrays = {
        str(name).removeprefix("module."): value
        for name, value in tree.items()
        if _is_array(value)
    }
    strange = [name for name, value in arrays.items() if value.dtype.kind not in "fiub"]
    if strange:
        raise ValueError(
            f"{path} must hold real numbers; not so {parameters.listed(strange)}"
        )
    return arrays


def _read_npz(path, max_gb):
    try:
        return npz_files.read(path, max_gb)
    except ValueError as error:
        raise ValueError(
            f"{path} must be an .npz of name -> array; it cannot be read ({error})"
        ) from error


def _is_array(value):
    return isinstance(value, np.ndarray)


def _describe(tree):
    if isinstance(tree, Mapping):
        names = [str(name) for name in tree]
        return f"the entries {', '.join(names[:8]) or 'none'}"
    return type(tree).__name__
