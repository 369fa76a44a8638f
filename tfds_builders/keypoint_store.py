"""Keypoints of a data set that was annotated without: found once, stored beside it.

They lie in the data set's folder, in one file for every few photos. A search that was
interrupted goes on behind the last file.
"""

import itertools
import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tqdm

from safefakes_tf import atomic, faces, locks
from safefakes_tf.importers import npz_files
from safefakes_tf.keypoints import layouts, mediapipe, search

FOLDER = "keypoints"
PHOTOS_PER_FILE = 128


def attach(
    records: tf.data.Dataset,
    folder: str | os.PathLike,
    split: str,
    create: Callable[[], search.Detector] = mediapipe.MediaPipeDetector,
) -> tf.data.Dataset:
    """Add keypoints to records, after a search for those that are not stored yet.

    Args:
        records: of the whole split, in a fixed order, photos encoded.
        folder: of the data set.
        split: of the records.
        create: makes a detector; see `search.searching`.

    Returns:
        The records with `faces/keypoints`, layout `found`, `faces/has_keypoints` and
        `faces/keypoints_source`.

    Raises:
        ValueError: if a model file is not to be found, or a file of stored keypoints is
            broken. If they are of other photos, reading the records fails.
    """
    folder = pathlib.Path(folder) / FOLDER
    files = _search(records, folder, split, create)
    # Tensors that a map captures are shared, not copied into its graph.
    names, counts, keypoints, source = (
        tf.concat(arrays, axis=0) for arrays in zip(*map(_read, files), strict=True)
    )
    ends = tf.cumsum(counts)

    def add(index, record):
        message = f"{folder} holds keypoints of other photos; remove it"
        same = tf.debugging.assert_equal(names[index], record[faces.FILENAME], message)
        with tf.control_dependencies([same]):
            rows = slice(ends[index] - counts[index], ends[index])
        return {
            **record,
            faces.KEYPOINTS: keypoints[rows],
            faces.HAS_KEYPOINTS: source[rows] != faces.NOT_FOUND,
            faces.KEYPOINTS_SOURCE: source[rows],
        }

    joined = records.enumerate().map(add, tf.data.AUTOTUNE, deterministic=True)
    return joined.apply(tf.data.experimental.assert_cardinality(len(records)))


def _search(records, folder, split, create):
    """Make the files that are not there, and return the paths of all."""
    numbers = range(-(-len(records) // PHOTOS_PER_FILE))
    files = [folder / f"{split}-{number:05d}.npz" for number in numbers]
    if not all(file.exists() for file in files):
        folder.mkdir(exist_ok=True)
        with locks.alone_in(folder, wait=True):
            _search_on(files, records, create)
    return files


def _search_on(files, records, create):
    # Again, as another process may have searched while this one waited.
    missing = list(itertools.dropwhile(pathlib.Path.exists, files))
    if not missing:
        return
    total, first = len(records), (len(files) - len(missing)) * PHOTOS_PER_FILE
    photos, kept = itertools.tee(_photos(records.skip(first)))
    processes = search.num_processes(total - first)
    found = search.find_all((photo[1:] for photo in photos), create, processes)
    bar = tqdm.tqdm(
        zip(kept, found, strict=True),
        "searching keypoints",
        total,
        initial=first,
        unit="photo",
        mininterval=1.0,
    )
    for file in missing:
        _write(file, list(itertools.islice(bar, PHOTOS_PER_FILE)))


def _photos(records):
    for record in records:
        photo, boxes = record[faces.IMAGE].numpy(), record[faces.BBOX].numpy()
        yield record[faces.FILENAME].numpy(), photo, boxes


def _write(path, results):
    with atomic.writing(path) as file:
        np.savez(
            file,
            names=np.array([name for (name, *_), _ in results]),
            counts=np.array([len(found.source) for _, found in results], np.int64),
            keypoints=np.concatenate([found.keypoints for _, found in results]),
            source=np.concatenate([found.source for _, found in results]),
        )


def _read(path):
    """Return names, numbers of faces, keypoints and sources of the photos of a file."""
    try:
        arrays = npz_files.read(path)
        names, counts, keypoints, source = (
            arrays[key] for key in ("names", "counts", "keypoints", "source")
        )
        whole = (
            (names.dtype.kind, names.ndim) == ("S", 1)
            and (counts.dtype, source.dtype) == (np.int64, np.int64)
            and (counts.shape, source.shape) == (names.shape, (counts.sum(),))
            and (counts >= 0).all()
            and np.isin(source, range(len(faces.SOURCES))).all()
            and keypoints.dtype == np.float32
            and keypoints.shape == (counts.sum(), layouts.NUM_FOUND, 2)
        )
        if not whole:
            raise ValueError("its arrays are not of the types and shapes that they had")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"the keypoints in {path} are broken ({error}); remove the file to have "
            "them searched anew"
        ) from error
    return names, counts, keypoints, source
