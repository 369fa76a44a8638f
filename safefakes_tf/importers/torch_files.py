"""Reads PyTorch's weight files without PyTorch, and without running what they hold.

Such a file is a pickle beside raw numbers, and a pickle is a programme: it may call any
function of any installed package. Here it can name only what tensors and containers are
made of; at any other name reading stops.

Two formats are known: the zip archive of PyTorch 1.6 and later, and the stream before.
"""

import collections
import math
import os
import pathlib
import pickle
import struct
import zipfile
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

STREAM_MAGIC = 0x1950A86A20F9469CFC6C
STREAM_VERSION = 1001
DTYPES = {
    "FloatStorage": np.dtype(np.float32),
    "DoubleStorage": np.dtype(np.float64),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(tf.bfloat16.as_numpy_dtype),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}


def read(path: str | os.PathLike) -> Any:
    """Return what a file of `torch.save` holds, tensors as NumPy arrays.

    Args:
        path: a checkpoint of tensors, numbers, texts and containers of them.

    Returns:
        Mappings as dicts, sequences as lists, tensors as arrays of their types, but
        bfloat16 as float32.

    Raises:
        ValueError: if the file is none of PyTorch's, is cut short, or names anything
            but tensors and containers, which is refused unread.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                return _to_arrays(_read_archive(file))
            file.seek(0)
            return _to_arrays(_read_stream(file))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except _RefusedError as error:
        raise ValueError(
            f"{path} names {error}, which a file of weights has no use for; it was not "
            "run. Get the weights alone: torch.save(model.state_dict(), FILE)"
        ) from error
    except Exception as error:  # a broken pickle can fail in any way
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{path} must be a file of torch.save; it cannot be read as one ({reason})"
        ) from error


class _RefusedError(Exception):
    """The pickle names something else than tensors and containers."""


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors as views of storages that `load_storage` gives."""

    def __init__(self, file, load_storage):
        super().__init__(file, encoding="utf-8")
        self._load_storage = load_storage

    def find_class(self, module, name):
        """Return the stand-in of a name, in place of importing it."""
        if module in ("torch", "torch.cuda") and name in DTYPES:
            return DTYPES[name]
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise _RefusedError(f"{module}.{name}") from None

    def persistent_load(self, pid):
        """Return the storage that a reference stands for."""
        kind, dtype, key, _, size, *view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise _RefusedError(f"an object of kind {kind!r}")
        storage = self._load_storage(dtype, str(key), size)
        if view and view[0] is not None:
            _, start, length = view[0]
            storage = storage[start : start + length]
        return storage


def _tensor(storage, offset, shape, strides, *_):
    """Return a view of a storage; the rest is about gradients.

    The numbers come from the file, and a view that they make may not leave the storage.
    """
    flat = isinstance(storage, np.ndarray) and storage.ndim == 1
    if not flat or not storage.flags.c_contiguous:
        raise ValueError("a tensor is made of something else than a storage")
    if min((offset, *shape, *strides), default=0) < 0 or len(shape) != len(strides):
        raise ValueError(f"a tensor has shape {shape} and strides {strides}")
    steps = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    if math.prod(shape) and offset + sum(steps) >= storage.size:
        raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
    if math.prod(shape) > storage.size:
        raise ValueError(f"a tensor of shape {shape} repeats its {storage.size} values")
    strides = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, strides)


# A pickle may set attributes of what it names: these have none that could be set.
class _RebuildTensor:
    __slots__ = ()

    def __call__(self, *arguments):
        return _tensor(*arguments)


class _RebuildParameter:
    __slots__ = ()

    def __call__(self, tensor, *_):
        return tensor


_KNOWN = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor"): _RebuildTensor(),
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
}


def _read_archive(file: BinaryIO):
    """Read the zip format: one member is the pickle, one more for each storage."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        roots = [n.removesuffix("data.pkl") for n in names if n.endswith("data.pkl")]
        if len(roots) != 1:
            raise ValueError(f"{len(roots)} members are called data.pkl, not one")
        root = roots[0]
        if (
            f"{root}byteorder" in names
            and archive.read(f"{root}byteorder") != b"little"
        ):
            raise ValueError("it was written on a big-endian machine")
        storages = {}

        def load_storage(dtype, key, size):
            if key not in storages:
                content = archive.read(f"{root}data/{key}")
                storages[key] = np.frombuffer(content, dtype, size)
            return storages[key]

        with archive.open(f"{root}data.pkl") as pickled:
            return _Unpickler(pickled, load_storage).load()


def _read_stream(file: BinaryIO):
    """Read the older format: the pickle comes first, then the storages."""

    def refuse(*_):
        raise ValueError("a storage comes before the header ends")

    if _Unpickler(file, refuse).load() != STREAM_MAGIC:
        raise ValueError("it does not begin as one")
    if _Unpickler(file, refuse).load() != STREAM_VERSION:
        raise ValueError(f"its version is not {STREAM_VERSION}")
    if not _Unpickler(file, refuse).load()["little_endian"]:
        raise ValueError("it was written on a big-endian machine")

    limit = os.fstat(file.fileno()).st_size
    storages = {}

    def reserve_storage(dtype, key, size):
        if key not in storages:
            if not 0 <= size * dtype.itemsize <= limit:
                raise ValueError("a storage is longer than the file")
            storages[key] = np.empty(size, dtype)
        return storages[key]

    tree = _Unpickler(file, reserve_storage).load()
    for key in _Unpickler(file, refuse).load():
        (size,) = struct.unpack("<q", file.read(8))
        storage = storages[str(key)]
        content = file.read(storage.nbytes)
        if size != storage.size or len(content) != storage.nbytes:
            raise ValueError("a storage is cut short")
        storage[:] = np.frombuffer(content, storage.dtype)
    return tree


def _to_arrays(node):
    """Return a tree with arrays of their own in place of views."""
    if isinstance(node, np.ndarray):
        wide = np.float32 if node.dtype == DTYPES["BFloat16Storage"] else node.dtype
        return np.array(node, wide)
    if isinstance(node, dict):
        return {key: _to_arrays(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_to_arrays(value) for value in node]
    return node
