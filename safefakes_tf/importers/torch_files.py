"""Reads PyTorch's weight files without PyTorch, and without running what they hold.

Such a file is a pickle beside raw numbers, and a pickle is a programme: it may call any
function of any installed package. Here `restricted_pickle` carries it out, which can
name only what tensors and containers are made of; at any other name reading stops.

Two formats are known: the zip archive of PyTorch 1.6 and later, and the stream before.
"""

import dataclasses
import io
import math
import os
import pathlib
import struct
import zipfile
from typing import Any, BinaryIO

import numpy as np

from safefakes_tf.importers import restricted_pickle, zip_files
from safefakes_tf.importers.restricted_pickle import (
    RefusedError,
    StandIn,
    counts,
)
from safefakes_tf.printing import shortened

STREAM_MAGIC = 0x1950A86A20F9469CFC6C
STREAM_VERSION = 1001
MAX_PICKLES = zip_files.MAX_READ  # bytes
DTYPES = {  # of the numbers as the file has them
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<u2"),  # the upper half of a float32
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("u1"),
}


def read(path: str | os.PathLike, max_gb: float = zip_files.MAX_GB) -> Any:
    """Return what a file of `torch.save` holds, tensors as NumPy arrays.

    Args:
        path: a checkpoint of tensors, numbers, texts and containers of them.
        max_gb: what all its numbers may take in memory, in 10**9 bytes.

    Returns:
        Mappings as dicts, sequences as lists, tensors as read-only arrays of their
        types, but bfloat16 as float32. Arrays share memory where tensors do.

    Raises:
        ValueError: if the file is none of PyTorch's, is cut short or too large, or
            names anything but tensors and containers, which is refused unread.
    """
    path = pathlib.Path(path)
    try:
        with zip_files.BoundedFile(path) as file:
            if zipfile.is_zipfile(file):
                return _read_archive(file, max_gb)
            file.seek(0)
            return _read_stream(file, max_gb)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except RefusedError as error:
        raise ValueError(
            f"{path} names {error}, which a file of weights has no use for; it was not "
            "run. Get the weights alone: torch.save(model.state_dict(), FILE)"
        ) from error
    except Exception as error:  # a broken pickle can fail in any way
        reason = shortened(str(error)) or type(error).__name__
        raise ValueError(
            f"{path} must be a file of torch.save; it cannot be read as one ({reason})"
        ) from error


@dataclasses.dataclass(frozen=True)
class _Type:
    """A type of numbers by name: a pickle that got hold of a dtype could change it."""

    name: str

    @property
    def stored(self):
        return DTYPES[self.name]

    @property
    def itemsize(self):
        """Bytes of a number in memory."""
        return 4 if self.name == "BFloat16Storage" else self.stored.itemsize

    def convert(self, numbers):
        if self.name == "BFloat16Storage":
            wide = numbers.astype("<u4")
            wide <<= 16
            return wide.view("<f4")
        return numbers != 0 if self.name == "BoolStorage" else numbers


class _Storage:
    """Numbers of one type in a row, as parts of which tensors are made."""

    def __init__(self, kind, size):
        self.kind, self.size = kind, size
        self.num_bytes = size * kind.stored.itemsize  # in the file
        self.numbers = None  # until they are read

    def read(self, file: BinaryIO) -> None:
        """Read the numbers from the place where a file is."""
        content = np.empty(self.num_bytes, np.uint8)
        for start in range(0, content.size, zip_files.MAX_READ):
            block = content[start : start + zip_files.MAX_READ]
            if file.readinto(block) != block.size:
                raise ValueError("a storage is cut short")
        self.numbers = self.kind.convert(content.view(self.kind.stored))
        self.numbers.flags.writeable = False


class _Storages:
    """The storages that a pickle refers to, by key."""

    def __init__(self, max_gb):
        self.by_key = {}
        self._size, self._max_gb = 0, max_gb

    def load(self, file: BinaryIO) -> Any:
        """Return what a pickle makes; its storages have no numbers yet."""
        return restricted_pickle.load(file, _NAMES, self._refer)

    def _refer(self, reference):
        """Return the part of a storage that a pickle refers to."""
        if not isinstance(reference, tuple) or len(reference) not in (5, 6):
            raise ValueError("a reference does not have five or six parts")
        what, kind, key, _, size, *view = reference
        if what != "storage":
            known = shortened(what) if isinstance(what, str) else "no name"
            raise RefusedError(f"an object of kind {known!r}")
        if not isinstance(kind, _Type) or not isinstance(key, str):
            raise ValueError("a storage has no type or no key")
        storage = self._declare(kind, key, *counts((size,)))
        if not view or view[0] is None:
            return _Part(storage, 0, storage.size)
        if not isinstance(view[0], tuple) or len(view[0]) != 3:
            raise ValueError("a part of a storage does not have three numbers")
        start, length = counts(view[0][1:])
        if start + length > storage.size:
            raise ValueError("a part reaches beyond its storage")
        return _Part(storage, start, length)

    def _declare(self, kind, key, size):
        if key not in self.by_key:
            self._size += size * kind.itemsize
            zip_files.check_size(self._size, self._max_gb)
            self.by_key[key] = _Storage(kind, size)
        storage = self.by_key[key]
        if (storage.kind, storage.size) != (kind, size):
            raise ValueError("a storage has two types or sizes")
        return storage


class _Part(StandIn):
    """A part of a storage; as a rule all of it."""

    def __init__(self, storage, start, size):
        self.storage, self.start, self.size = storage, start, size

    @property
    def numbers(self):
        return self.storage.numbers[self.start : self.start + self.size]


class _Tensor(StandIn):
    """A view of a storage's part; the rest of its arguments is about gradients."""

    def __init__(self, part, offset, shape, strides, *_):
        if not isinstance(part, _Part):
            raise ValueError("a tensor is made of something else than a storage")
        (offset,) = counts((offset,))
        shape, strides = counts(shape), counts(strides)
        if len(shape) != len(strides):
            raise ValueError(f"a tensor has shape {shape} and strides {strides}")
        steps = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
        if math.prod(shape) and offset + sum(steps) >= part.size:
            raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
        if math.prod(shape) > part.size:
            raise ValueError(f"a tensor of shape {shape} repeats {part.size} values")
        self._part, self._offset = part, offset
        self._shape, self._strides = shape, strides

    @property
    def value(self):
        numbers = self._part.numbers
        strides = [stride * numbers.itemsize for stride in self._strides]
        return np.lib.stride_tricks.as_strided(
            numbers[self._offset :], self._shape, strides, writeable=False
        )


class _OrderedDict(StandIn, dict):
    """A dict; Python 2 gives its entries at once."""

    def __init__(self, pairs=()):
        if any(type(pair) not in (list, tuple) or len(pair) != 2 for pair in pairs):
            raise ValueError("a dict is made of something else than pairs")
        restricted_pickle.set_items(self, [part for pair in pairs for part in pair])

    def build(self, state):
        """Do without the attributes, which tell the versions of modules."""


def _parameter(tensor, *_):
    if not isinstance(tensor, _Tensor):
        raise ValueError("a parameter is made of something else than a tensor")
    return tensor


_NAMES = {
    **{("torch", name): _Type(name) for name in DTYPES},
    **{("torch.cuda", name): _Type(name) for name in DTYPES},
    ("collections", "OrderedDict"): _OrderedDict,
    ("torch", "Size"): counts,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


def _read_archive(file: BinaryIO, max_gb: float):
    """Read the zip format: one member is the pickle, one more for each storage."""
    with zip_files.open_checked(file, max_gb, (zipfile.ZIP_STORED,)) as archive:
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
        storages = _Storages(max_gb)
        tree = storages.load(io.BytesIO(archive.read(f"{root}data.pkl")))
        for key, storage in storages.by_key.items():
            member = archive.getinfo(f"{root}data/{key}")
            if member.file_size != storage.num_bytes:
                raise ValueError("a storage is not of the size that it should have")
            with archive.open(member) as content:
                storage.read(content)
    return restricted_pickle.finish(tree)


def _read_stream(file: BinaryIO, max_gb: float):
    """Read the older format: the pickles come first, then the storages."""
    start = io.BytesIO(file.read(MAX_PICKLES))
    if restricted_pickle.load(start, _NAMES) != STREAM_MAGIC:
        raise ValueError("it does not begin as one")
    if restricted_pickle.load(start, _NAMES) != STREAM_VERSION:
        raise ValueError(f"its version is not {STREAM_VERSION}")
    if restricted_pickle.load(start, _NAMES)["little_endian"] is not True:
        raise ValueError("it was written on a big-endian machine")
    storages = _Storages(max_gb)
    tree = storages.load(start)
    keys = restricted_pickle.finish(restricted_pickle.load(start, _NAMES))
    if sorted(keys) != sorted(storages.by_key):
        raise ValueError("its storages are not those that its tensors name")
    remaining = file.seek(0, io.SEEK_END) - start.tell()
    if sum(storage.num_bytes for storage in storages.by_key.values()) > remaining:
        raise ValueError("its storages are larger than the file")
    file.seek(start.tell())
    for key in keys:
        storage = storages.by_key[key]
        if file.read(8) != struct.pack("<q", storage.size):
            raise ValueError("a storage is not of the size that it should have")
        storage.read(file)
    return restricted_pickle.finish(tree)
