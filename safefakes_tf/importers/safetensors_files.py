"""Reads weight files of the format safetensors, by the library of that name."""

import os

import numpy as np
import safetensors

from safefakes_tf.importers import zip_files
from safefakes_tf.printing import shortened


def recognises(path: str | os.PathLike) -> bool:
    """Tell whether a file begins with the length of a JSON header and that."""
    try:
        with open(path, "rb") as file:
            return file.read(9)[8:] == b"{"
    except OSError:
        return False


def read(
    path: str | os.PathLike, max_gb: float = zip_files.MAX_GB
) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file by name.

    Args:
        path: the file.
        max_gb: what the arrays may have together, in 10**9 bytes.

    Returns:
        Arrays of their types, but those that NumPy lacks (bfloat16) as float32.

    Raises:
        ValueError: if the file cannot be read, is too large, or is none.
    """
    try:
        zip_files.check_size(os.path.getsize(path), max_gb)  # nothing is compressed
        with safetensors.safe_open(path, framework="np") as file:
            return {name: _known(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # a broken file can fail in any way
        reason = shortened(str(error)) or type(error).__name__
        raise ValueError(
            f"{path} must be a safetensors file; it cannot be read as one ({reason})"
        ) from error


def _known(array):
    return array.astype(np.float32) if array.dtype.kind == "V" else array
