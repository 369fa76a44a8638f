"""Reads pickles of NumPy arrays as data, without the `pickle` that runs them."""

import io
import math
import os
import pathlib
from typing import Any

import numpy as np

from safefakes_tf.importers import restricted_pickle
from safefakes_tf.importers.restricted_pickle import StandIn, counts
from safefakes_tf.printing import shortened

MAX_BYTES = 2**28  # of a file; the largest known has 59 MB
DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")


def read(path: str | os.PathLike) -> dict[str, Any]:
    """Return what a pickle of nested dicts and lists of NumPy arrays holds.

    Args:
        path: the file.

    Returns:
        Dicts as dicts, sequences as lists, arrays as read-only arrays, numbers and
        texts as they are.

    Raises:
        ValueError: if the file cannot be read, is too large, or holds anything else.
    """
    path = pathlib.Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        content = io.BytesIO(path.read_bytes())
        tree = restricted_pickle.finish(restricted_pickle.load(content, _NAMES))
        if not isinstance(tree, dict):
            raise ValueError("it is no dict")
        return tree
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except restricted_pickle.RefusedError as error:
        raise ValueError(
            f"{path} names {error}, which is no part of a NumPy array; it was not run"
        ) from error
    except Exception as error:  # a broken pickle can fail in any way
        reason = shortened(str(error)) or type(error).__name__
        raise ValueError(
            f"{path} must be a pickle of dicts of NumPy arrays; it is none ({reason})"
        ) from error


class _Dtype(StandIn):
    """A type of numbers; its byte order comes after it."""

    def __init__(self, code, *_):
        if not isinstance(code, str) or code not in DTYPES:
            raise ValueError("an array's type is no number")
        self.dtype = np.dtype(code)

    def build(self, state):
        if not isinstance(state, tuple) or len(state) not in (8, 9):
            raise ValueError("a type has not eight or nine attributes")
        _, order, *structure = state[:5]
        if order not in ("<", ">", "|", "=") or structure != [None] * 3:
            raise ValueError("a type has several fields")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(StandIn):
    """An array; its shape, type and numbers come after it."""

    def __init__(self, kind, *_):
        if kind is not _NDARRAY:
            raise ValueError("an array is of a class of its own")
        self._array = None

    @property
    def value(self):
        if self._array is None:
            raise ValueError("an array has no content")
        return self._array

    def build(self, state):
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("an array has not five attributes")
        _, shape, dtype, columns_first, content = state
        shape = counts(shape)
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
            raise ValueError("an array has no type or no content")
        if math.prod(shape) * dtype.dtype.itemsize != len(content):
            raise ValueError("an array has more or fewer bytes than its shape")
        numbers = np.frombuffer(content, dtype.dtype)
        self._array = numbers.reshape(shape, order="F" if columns_first else "C")


_NDARRAY = object()
# NumPy 2 calls its module otherwise.
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Dtype,
}
