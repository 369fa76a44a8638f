"""Keypoints of a data set that was annotated without: found once, stored beside it.

They lie in the data set's folder, in one file for every few photos. A search that was
interrupted goes on with the files that are not there.
"""

import hashlib
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
from safefakes_tf.photos import reader
from safefakes_tf.training import record_stream

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
        The records, as of `record_stream.with_numbers`, with `faces/keypoints`, layout
        `found`, `faces/has_keypoints` and `faces/keypoints_source`.

    Raises:
        ValueError: if a model file is not to be found, or a file of stored keypoints is
            broken. If they are of other photos, reading the records fails.
    """
    return _joined(records, _search(records, folder, split, create))


def attach_to_part(
    records: tf.data.Dataset,
    folder: str | os.PathLike,
    split: str,
    number: int,
    find: Callable[[np.ndarray, np.ndarray], search.Found],
) -> tf.data.Dataset:
    """Add keypoints to the records of one file, after a search unless it is there.

    Args:
        records: of `PHOTOS_PER_FILE` photos, or those that are left at the end.
        folder: of the data set.
        split: of the records.
        number: of the file, from 0.
        find: as `search.Detector.find`.

    Returns:
        As `attach`.

    Raises:
        ValueError: as `attach`.
    """
    file = _path(folder, split, number)
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        results = [
            (photo, find(reader.decode_stored(photo[1]), photo[2]))
            for photo in _photos(records)
        ]
        _write(file, results)
    return _joined(records, [file])


def digest(folder: str | os.PathLike, split: str, number: int) -> str | None:
    """Return a SHA-256 of a file of keypoints, by its number; None if it is not there.

    Args:
        folder: of the data set.
        split: of the photos.
        number: of the file, from 0.
    """
    file = _path(folder, split, number)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def _path(folder, split, number):
    return pathlib.Path(folder) / FOLDER / f"{split}-{number:05d}.npz"


def _joined(records, files):
    """Return records with the keypoints that files hold."""
    # Tensors that a map captures are shared, not copied into its graph.
    names, counts, keypoints, source = (
        tf.concat(arrays, axis=0) for arrays in zip(*map(_read, files), strict=True)
    )
    ends = tf.cumsum(counts)

    def add(index, record):
        message = f"{files[0].parent} holds keypoints of other photos; remove it"
        same = tf.debugging.assert_equal(names[index], record[faces.FILENAME], message)
        with tf.control_dependencies([same]):
            rows = slice(ends[index] - counts[index], ends[index])
        return {
            **record,
            faces.KEYPOINTS: keypoints[rows],
            faces.HAS_KEYPOINTS: source[rows] != faces.NOT_FOUND,
            faces.KEYPOINTS_SOURCE: source[rows],
        }

    return record_stream.with_numbers(records, add)


def _search(records, folder, split, create):
    """Make the files that are not there, and return the paths of all."""
    numbers = range(-(-len(records) // PHOTOS_PER_FILE))
    files = [_path(folder, split, number) for number in numbers]
    if not all(file.exists() for file in files):
        files[0].parent.mkdir(exist_ok=True)
        with locks.alone_in(files[0].parent, wait=True):
            _search_on(files, records, create)
    return files


def _search_on(files, records, create):
    # Again, as another process may have searched while this one waited.
    missing = [number for number, file in enumerate(files) if not file.exists()]
    if not missing:
        return
    photos, kept = itertools.tee(_photos_of_files(records, missing))
    total = len(records)
    ends = (min((number + 1) * PHOTOS_PER_FILE, total) for number in missing)
    sizes = [end - n * PHOTOS_PER_FILE for n, end in zip(missing, ends, strict=True)]
    processes = search.num_processes(sum(sizes))
    found = search.find_all((photo[1:] for photo in photos), create, processes)
    bar = tqdm.tqdm(
        zip(kept, found, strict=True),
        "searching keypoints",
        total,
        initial=total - sum(sizes),
        unit="photo",
        mininterval=1.0,
    )
    for number, size in zip(missing, sizes, strict=True):
        _write(files[number], list(itertools.islice(bar, size)))


def _photos_of_files(records, numbers):
    """Yield the photos that belong into files, in one pass over the records."""
    first, wanted = numbers[0] * PHOTOS_PER_FILE, set(numbers)
    for index, photo in enumerate(_photos(records.skip(first)), first):
        if index // PHOTOS_PER_FILE in wanted:
            yield photo


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
