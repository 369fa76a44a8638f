"""Published checkpoints of the three methods, as models of this package."""

import os
import pathlib
from collections.abc import Mapping

import keras
import numpy as np

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers.ciagan import importer as ciagan
from safefakes_tf.anonymizers.deepprivacy import importer as deepprivacy
from safefakes_tf.config import CiaganConfig, DeepPrivacyConfig, DetectorConfig
from safefakes_tf.detectors.dsfd import importer as dsfd_names
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.importers import torch_files

# Where the parameters lie in a checkpoint, one key inside the other.
CONTAINERS = {
    "dsfd": ("weight",),
    "deepprivacy": ("running_average_generator", "parameters"),
    "ciagan": (),
}
GENERATORS = {"deepprivacy": deepprivacy, "ciagan": ciagan}


def read(path: str | os.PathLike, method: str) -> dict[str, np.ndarray]:
    """Return the parameters of a checkpoint by their published names.

    Args:
        path: a file of `torch.save`, or an `.npz` of name -> array.
        method: one of `config.IMPORTED_NAMES`; of DeepPrivacy the average is taken.

    Raises:
        ValueError: if the file is not readable, or holds no parameters.
    """
    path = pathlib.Path(path)
    tree = _read_npz(path) if path.suffix == ".npz" else torch_files.read(path)
    for key in CONTAINERS[method]:
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
        raise ValueError(f"{path} must hold real numbers; not so {', '.join(strange)}")
    return arrays


def build_dsfd(arrays: Mapping[str, np.ndarray], config: DetectorConfig) -> keras.Model:
    """Return a DSFD with published parameters; errors as of `dsfd.load_reference`."""
    model = dsfd.build_dsfd(config)
    dsfd_names.load_reference(model, arrays)
    return model


def build_generator(
    method: str, arrays: Mapping[str, np.ndarray]
) -> tuple[keras.Model, DeepPrivacyConfig | CiaganConfig]:
    """Return the generator of published parameters, and the settings they tell.

    Args:
        method: a key of `GENERATORS`.
        arrays: of `read`.

    Raises:
        ValueError: naming what is missing, not known or of another shape.
    """
    names = GENERATORS[method]
    config = names.config_of(arrays)
    model = generator_files.METHODS[method][1](config)
    names.load_reference(model, arrays)
    return model, config


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except Exception as error:  # a broken file can fail in any way
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{path} must be an .npz of name -> array; it cannot be read ({reason})"
        ) from error


def _is_array(value):
    return isinstance(value, np.ndarray)


def _describe(tree):
    if isinstance(tree, Mapping):
        names = [str(name) for name in tree]
        return f"the entries {', '.join(names[:8]) or 'none'}"
    return type(tree).__name__
