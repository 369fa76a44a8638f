"""Building a data set so that it is there as a whole or not at all."""

import errno
import os
import pathlib
import shutil
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import locks


def prepare(
    builder: tfds.core.DatasetBuilder,
    manual_dir: str | None = None,
    wait: bool = True,
    beam_options: Sequence[str] | None = None,
) -> None:
    """Download and prepare a data set, unless that is done already.

    TFDS writes into a folder `incomplete.*` and renames it at the end. What a killed
    build left there is removed; what it keeps elsewhere, a builder knows.

    Args:
        builder: of the data set; its `info` is complete afterwards.
        manual_dir: folder of raw photos and annotations; None: TFDS' own default.
        wait: for another process that builds the same data set.
        beam_options: flags of Apache Beam; None: this process does the work.

    Raises:
        ValueError: if the disk is full, the raw data are not as they should be, the
            stored ones are broken, a file is where the folder of data sets should be,
            that cannot be written to, or another process builds the data set and is
            not waited for.
    """
    target = pathlib.Path(builder.data_path)
    if _is_read(builder, target):
        return
    try:
        _make(target.parent)
        with locks.alone_in(target.parent, "choose another --data_dir", wait):
            if _is_read(builder, target):  # built by another process meanwhile
                return
            for leftover in target.parent.glob("incomplete.*"):
                shutil.rmtree(leftover)
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(
                    manual_dir=manual_dir, beam_options=beam_options
                )
            )
    except Exception as error:
        if _tells_full_disk(error):
            raise ValueError(
                f"no space left in {target.parent} for {builder.info.full_name}; "
                "free some, then the same command goes on, or choose another --data_dir"
            ) from error
        raise


def _is_read(builder, target):
    """Tell whether a data set is there, and read what is stored of it.

    The builder may have been made before another one built it.
    """
    if not target.exists():
        return False
    if not builder.info.initialized:
        builder.info.read_from_directory(target)
    return True


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


def _tells_full_disk(error):
    """Look for a full disk in an error and in those it was raised from."""
    while error is not None:
        if isinstance(error, tf.errors.ResourceExhaustedError):
            return os.strerror(errno.ENOSPC) in str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        error = error.__cause__ or error.__context__
    return False
