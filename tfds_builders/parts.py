"""What is done of a derived data set: parts, each of a few photos, kept until all are.

A part is a file of records, and one that tells of them. The second is written last: a
part that has it is whole. Several processes may make parts at the same time, on several
machines that share the folder.
"""

import contextlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import atomic, faces, locks, provenance, unfinished
from tfds_builders import keypoint_store, record_writer, stored_info

PHOTOS_PER_PART = keypoint_store.PHOTOS_PER_FILE  # so that a part needs one file
_MADE_FROM, _FAILED = "made_from.json", "failed"


class Part(NamedTuple):
    """Photos of a split that lie behind one another.

    Attributes:
        split: of the photos.
        number: of the part, from 0.
        begin, end: indices of photos; `end` is behind the last.
    """

    split: str
    number: int
    begin: int
    end: int

    @property
    def name(self) -> str:
        """Name of its files, without what tells them apart."""
        return f"{self.split}-{self.number:05d}"


class About(NamedTuple):
    """What is told of a part.

    Attributes:
        num_bytes: of its records, without what frames them.
        counts: as of `provenance.Counts`.
        keypoints: a digest of those that were searched and used, if any were.
    """

    num_bytes: int
    counts: dict[str, int]
    keypoints: str | None


def plan(num_photos: Mapping[str, int]) -> list[Part]:
    """Return the parts of splits that have so many photos."""
    return [
        Part(split, number, begin, min(begin + PHOTOS_PER_PART, total))
        for split, total in num_photos.items()
        for number, begin in enumerate(range(0, total, PHOTOS_PER_PART))
    ]


@contextlib.contextmanager
def opened(folder: pathlib.Path, made_from: Mapping[str, str]) -> Iterator[None]:
    """Work on the parts in a folder while no other process plans to.

    Args:
        folder: is made unless it is there.
        made_from: all that every part depends on, as texts.

    Raises:
        ValueError: if another process works there, or parts are there that were made
            from something else.
    """
    folder.mkdir(exist_ok=True)
    with locks.alone_in(folder, "choose another --data_dir"):
        atomic.remove_leftovers(folder)
        for failure in folder.glob(f"*.{_FAILED}"):
            failure.unlink()
        path = folder / _MADE_FROM
        if path.exists():
            unfinished.check_unchanged(folder, _read(path) or {}, made_from)
        atomic.write_text(path, json.dumps(dict(made_from)))
        yield


def records_of(folder: pathlib.Path, part: Part) -> pathlib.Path:
    """Return the path of the records of a part, in TFRecord format."""
    return folder / f"{part.name}.tfrecord"


def write(
    folder: pathlib.Path,
    part: Part,
    records: Iterable[faces.Record],
    features: tfds.features.FeaturesDict,
    keypoints: str | None,
) -> About:
    """Write a part, as a whole or not at all.

    Args:
        folder: of the parts.
        part: to write.
        records: its records, encoded photos and NumPy values.
        features: of the data set.
        keypoints: see `About`.

    Raises:
        ValueError: if records are not as `faces.validate_faces` asks for.
    """
    counts, sizes = provenance.Counts(features), []
    with (
        atomic.writing(records_of(folder, part)) as file,
        tf.io.TFRecordWriter(file.name) as writer,  # it takes names only
    ):
        for record in records:
            faces.validate_faces(record)
            counts.add(record)
            serialized = record_writer.in_order(features.serialize_example(record))
            sizes.append(len(serialized))
            writer.write(serialized)
    if len(sizes) != part.end - part.begin:
        raise ValueError(
            f"{part.end - part.begin} photos of {part.name} were expected, and "
            f"{len(sizes)} came; remove the data set of the source, which is then "
            "made anew"
        )
    about = About(sum(sizes), counts.to_dict(), keypoints)
    atomic.write_text(_about_path(folder, part), json.dumps(about._asdict()))
    return about


def about(folder: pathlib.Path, part: Part) -> About | None:
    """Return what is told of a part; None if it is not there as a whole."""
    told = _read(_about_path(folder, part))
    try:
        found = About(**told)
        size = records_of(folder, part).stat().st_size
        expected = found.num_bytes + stored_info.FRAME * (part.end - part.begin)
    except (TypeError, OSError):
        return None
    return found if size == expected else None


def tell_failure(folder: pathlib.Path, part: Part, words: str) -> None:
    """Note why a part could not be made, for the process that planned it."""
    atomic.write_text(folder / f"{part.name}.{_FAILED}", words)


def failures(folder: pathlib.Path) -> list[str]:
    """Return why parts could not be made, a line each."""
    return [path.read_text() for path in sorted(folder.glob(f"*.{_FAILED}"))]


def _about_path(folder, part):
    return folder / f"{part.name}.json"


def _read(path):
    """Return what a file of JSON holds; None if it is broken or not there."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
