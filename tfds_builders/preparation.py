"""Building a data set so that it is there as a whole or not at all."""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds


def prepare(builder: tfds.core.DatasetBuilder, manual_dir: str | None = None) -> None:
    """Download and prepare a data set, unless that is done already.

    TFDS writes into a folder `incomplete.*` and renames it at the end. Processes that
    want the same data set wait for the one that builds it, and what a killed build left
    behind is removed.

    Args:
        builder: of the data set; its `info` is complete afterwards.
        manual_dir: folder of raw photos and annotations; None: TFDS' own default.

    Raises:
        ValueError: if the disk is full, the raw data are not as they should be, or a
            file is where the folder of data sets should be, or that cannot be made.
    """
    target = pathlib.Path(builder.data_path)
    if target.exists():
        return
    try:
        _make(target.parent)
        with alone_in(target.parent):
            if target.exists():  # built by another process meanwhile
                builder.info.read_from_directory(target)
                return
            for leftover in target.parent.glob("incomplete.*"):
                shutil.rmtree(leftover)
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
            )
    except Exception as error:
        if _tells_full_disk(error):
            raise ValueError(
                f"no space left in {target.parent} for {builder.info.full_name}; "
                "nothing was kept; free some, or choose another --data_dir"
            ) from error
        raise


def _make(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (folder, *folder.parents) if path.exists())
        raise ValueError(
            f"data sets need a folder, and {file} is a file; choose another --data_dir"
        ) from error
    except OSError as error:  # there may be no home that can be written to
        raise ValueError(
            f"data sets need a folder, and {folder} cannot be made ({error.strerror}); "
            "choose another --data_dir"
        ) from error


@contextlib.contextmanager
def alone_in(folder: pathlib.Path) -> Iterator[None]:
    """Work in a folder while no other process does.

    Others wait at the start of their `with`. The lock is a file `.lock` in the folder;
    the system takes it back when the process dies, so that nobody waits for a dead one.
    """
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tells_full_disk(error):
    """Look for a full disk in an error and in those it was raised from."""
    while error is not None:
        if isinstance(error, tf.errors.ResourceExhaustedError):
            return os.strerror(errno.ENOSPC) in str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        error = error.__cause__ or error.__context__
    return False
