"""One file per generator: its weights, and all that must be known to use them.

An `.npz` of the variables by name, beside a text `about` in JSON. Same weights, same
bytes, so that the SHA-256 of the file says which generator made a photo.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import tempfile
from typing import Any

import keras
import numpy as np

from safefakes_tf import atomic, printing
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import names, store
from safefakes_tf.config.overrides import RENAMED
from safefakes_tf.importers import mistaken_files, npz_files

ABOUT = "about"


@dataclasses.dataclass(frozen=True)
class About:
    """What a generator's file tells beside its weights.

    Attributes:
        method: name of the anonymizer.
        config: settings from which its registered `build_generator` makes the network.
        origin: where the weights are from, in one line.
        demonstration: whether they were made to be looked at, not to be relied on.
        images: shown in training, steps times the global batch size; None: not known.
    """

    method: str
    config: Any
    origin: str
    demonstration: bool = False
    images: int | None = None


def write(path: str | os.PathLike, model: keras.Model, about: About) -> None:
    """Write a generator; a file that is there is replaced as a whole.

    Args:
        path: of the `.npz` file.
        model: the generator that `about.config` builds, not folded.
        about: see `About`.
    """
    arrays = {weight.path: np.asarray(weight) for weight in model.weights}
    with atomic.writing(path) as file:
        np.savez(file, **{ABOUT: json.dumps(dataclasses.asdict(about)), **arrays})


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a generator's file, which says which one made a photo."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def read_about(path: str | os.PathLike) -> About:
    """Return what a generator's file tells beside its weights; errors as of `read`."""
    return _open(path)[0]


def read(
    path: str | os.PathLike, content: bytes | None = None
) -> tuple[keras.Model, About]:
    """Return the generator of a file, and what is told about it.

    Args:
        path: of the file.
        content: its bytes, if they are known already.

    Raises:
        ValueError: if the file is no generator's, or of another version.
    """
    about, arrays = _open(path, content)
    model = registry.method(about.method).build_generator(about.config)
    expected = {weight.path: tuple(weight.shape) for weight in model.weights}
    if expected != {name: array.shape for name, array in arrays.items()}:
        raise ValueError(f"{path} is of another version of {about.method}'s generator")
    for weight in model.weights:
        weight.assign(arrays[weight.path])
    return model, about


def _open(path, content=None):
    mistaken_files.check(path, content)
    try:
        arrays = npz_files.read(path) if content is None else _arrays(content)
        return _parse(json.loads(str(arrays.pop(ABOUT)))), arrays
    except Exception as error:  # a broken file can fail in any way
        reason = printing.shortened(str(error)) or type(error).__name__
        raise ValueError(
            f"{path} must be a generator's file, as training or import write it; "
            f"it cannot be read as one ({reason})"
        ) from error


def _arrays(content):
    """Return the arrays of a file that is read already."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return npz_files.read(os.dup(file.fileno()))


def _parse(stored: dict[str, Any]) -> About:
    kind = names.network(stored["method"])
    if kind is None:
        raise ValueError(f"{stored['method']} has no generator")
    fields = {RENAMED.get(name, name): v for name, v in stored["config"].items()}
    config = store.decode(kind, fields, ABOUT, missing=[], group="config")
    about = About(**{**stored, "config": config})
    if not (isinstance(about.origin, str) and isinstance(about.demonstration, bool)):
        raise ValueError("it does not tell where it is from")
    if not (about.images is None or type(about.images) is int):
        raise ValueError("it does not tell how many images its training showed")
    return about


def fold(model: keras.Model) -> None:
    """Compute once, in place, what a model that only runs need not compute per call.

    Scaled kernels and spectral norms become part of the kernels.
    """
    for layer in model.layers:
        if hasattr(layer, "fold"):
            layer.fold()
