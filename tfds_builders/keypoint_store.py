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

from safefakes_tf import atomic, faces
from safefakes_tf.keypoints import mediapipe, search
from tfds_builders import preparation

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
        create: makes a detector; see `search.find_all`.

    Returns:
        The records with `faces/keypoints`, layout `found`, `faces/has_keypoints` and
        `faces/keypoints_source`.

    Raises:
        ValueError: if a model file is not to be found, or stored keypoints are of other
            photos.
    """
    folder = pathlib.Path(folder) / FOLDER
    files = _search(records, folder, split, create)
    names, counts, keypoints, source = (
        np.concatenate(arrays) for arrays in zip(*map(_read, files), strict=True)
    )
    start = np.concatenate([[0], np.cumsum(counts)])
    # Tensors that a map captures are shared, not copied into its graph.
    names, start = tf.constant(names), tf.constant(start)
    keypoints, source = tf.constant(keypoints), tf.constant(source)

    def add(index, record):
        message = f"{folder} holds keypoints of other photos; remove it"
        same = tf.debugging.assert_equal(names[index], record[faces.FILENAME], message)
        with tf.control_dependencies([same]):
            of_photo = source[start[index] : start[index + 1]]
        return {
            **record,
            faces.KEYPOINTS: keypoints[start[index] : start[index + 1]],
            faces.HAS_KEYPOINTS: of_photo != faces.NOT_FOUND,
            faces.KEYPOINTS_SOURCE: of_photo,
        }

    joined = records.enumerate().map(add, tf.data.AUTOTUNE, deterministic=True)
    return joined.apply(tf.data.experimental.assert_cardinality(len(records)))


def _search(records, folder, split, create):
    """Make the files that are not there, and return the paths of all."""
    total = len(records)
    files = [
        folder / f"{split}-{number:05d}.npz"
        for number in range(-(-total // PHOTOS_PER_FILE))
    ]
    if _first_missing(files) == len(files):
        return files
    folder.mkdir(exist_ok=True)
    with preparation.alone_in(folder):
        # Another process may have searched while this one waited.
        _search_from(_first_missing(files), files, records, create)
    return files


def _first_missing(files):
    return next((n for n, file in enumerate(files) if not file.exists()), len(files))


def _search_from(done, files, records, create):
    if done == len(files):
        return
    total, first = len(records), done * PHOTOS_PER_FILE
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
    for file in files[done:]:
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
    with np.load(path) as file:
        return [file[key] for key in ("names", "counts", "keypoints", "source")]
