"""Reads `.npz` files, whose headers are checked before arrays are made by them."""

import io
import math
import os
import zipfile

import numpy as np

from safefakes_tf.importers import zip_files
from safefakes_tf.printing import shortened

MAX_HEADER = 2**16  # bytes
HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read(
    path: str | os.PathLike, max_gb: float = zip_files.MAX_GB
) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file by name.

    Args:
        path: a file of `np.savez` or `np.savez_compressed`.
        max_gb: what the arrays may have together, in 10**9 bytes.

    Raises:
        ValueError: if the file cannot be read, is too large, or is none; in one line,
            which does not name the file.
    """
    try:
        with zip_files.BoundedFile(path) as file:
            with zip_files.open_checked(file, max_gb, zip_files.METHODS) as archive:
                for member in archive.infolist():
                    _check(archive, member)
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
    except OSError as error:
        raise ValueError(error.strerror or "it is broken") from error
    except Exception as error:  # a broken file can fail in any way
        raise ValueError(shortened(str(error)) or type(error).__name__) from error


def _check(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse a member whose header tells of another size than the directory."""
    with archive.open(member) as file:
        start = io.BytesIO(file.read(MAX_HEADER))
    version = np.lib.format.read_magic(start)
    if version not in HEADER_READERS:
        raise ValueError(f"an array has version {version}")
    shape, _, dtype = HEADER_READERS[version](start)
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != member.file_size - start.tell():
        raise ValueError(
            f"{member.filename} tells of an array of {size} bytes; "
            f"it has {member.file_size - start.tell()}"
        )
