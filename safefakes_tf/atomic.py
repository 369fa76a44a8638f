"""Files that are there as a whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from typing import BinaryIO

SUFFIX = ".partial"


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its name when the block has ended well.

    Until then it lies beside `path` under a name of its own, which no other process
    has, and which is short: `path` may be as long as the file system allows.

    Args:
        path: of the file; its folder exists. A file that is there is replaced.

    Raises:
        OSError: if it cannot be written; nothing is left then.
    """
    path = pathlib.Path(path)
    partial = _beside(path)
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # before the name: what has one is whole
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def making(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Give a folder to fill, which gets its name when the block has ended well.

    Args:
        path: of the folder. One that is there is replaced.

    Raises:
        OSError: if it cannot be written; then one that was there stays.
    """
    path = pathlib.Path(path)
    partial, old = _beside(path), _beside(path)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            path.replace(old)
        partial.replace(path)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _beside(path):
    return path.with_name(f".{uuid.uuid4().hex}{SUFFIX}")


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove what a killed process had begun to write in a folder or below it."""
    for path in list(pathlib.Path(folder).rglob(f".*{SUFFIX}")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it may have lain in one of those


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a file of UTF-8 text as a whole; see `writing`."""
    with writing(path) as file:
        file.write(text.encode())
