"""What is done of a data set made from another: parts, kept until all are there.

A part is what was made of a few photos: a file of records, and one that tells of them.
The second is written last: a part that has it is whole. Several processes may make
parts at the same time, on several machines that share the folder.
"""

import collections
import contextlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import tensorflow_datasets as tfds

from safefakes_tf import atomic, faces, locks, unfinished
from tfds_builders import keypoint_store, record_writer

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


class Made(NamedTuple):
    """What was made of a photo.

    Attributes:
        records: of the data set, in order; encoded images and NumPy values.
        known: name -> what is to be known of each record without reading it, as JSON
            has it.
    """

    records: list[faces.Record]
    known: Mapping[str, list[Any]]


class Counts(Protocol):
    """Counts records, as `provenance.Counts` does."""

    def add(self, record: faces.Record) -> None:
        """Count a record."""

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""


class About(NamedTuple):
    """What is told of a part.

    Attributes:
        num_records: in it.
        num_bytes: of its records, without what frames them.
        size: of its file of records, bytes.
        counts: by name, as of `Counts`.
        known: as of `Made`, of all its records; also `photo`, the number of the photo
            that each was made of.
        keypoints: a digest of those that were searched and used, if any were.
    """

    num_records: int
    num_bytes: int
    size: int
    counts: dict[str, int]
    known: dict[str, list[Any]]
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


def write(
    folder: pathlib.Path,
    part: Part,
    made: Iterable[Made],
    info: tfds.core.DatasetInfo,
    counts: Counts,
    keypoints: str | None,
) -> About:
    """Write a part, as a whole or not at all.

    Args:
        folder: of the parts.
        part: to write.
        made: of each of its photos.
        info: of the data set: features, and format of files.
        counts: at zero.
        keypoints: see `About`.

    Raises:
        ValueError: if records are not as `faces.validate_faces` asks for.
    """
    known, sizes = collections.defaultdict(list), []
    num_photos = 0

    def serialized():
        nonlocal num_photos
        for num_photos, of_photo in enumerate(made, 1):
            photo = [part.begin + num_photos - 1] * len(of_photo.records)
            for name, values in {**of_photo.known, "photo": photo}.items():
                known[name].extend(values)
            for record in of_photo.records:
                faces.validate_faces(record)
                counts.add(record)
                example = info.features.serialize_example(record)
                sizes.append(len(example))
                yield record[faces.FILENAME], example

    path = records_of(folder, part, info.file_format)
    with atomic.writing(path) as file:  # writers of records take names only
        record_writer.OrderedWriter(info.file_format).write(file.name, serialized())
    if num_photos != part.end - part.begin:
        raise ValueError(
            f"{part.end - part.begin} photos of {part.name} were expected, and "
            f"{num_photos} came; remove the data set of the source, which is then made "
            "anew"
        )
    about = About(
        num_records=len(sizes),
        num_bytes=sum(sizes),
        size=path.stat().st_size,
        counts=counts.to_dict(),
        known=known,
        keypoints=keypoints,
    )
    atomic.write_text(_about_path(folder, part), json.dumps(about._asdict()))
    return about


def records_of(
    folder: pathlib.Path, part: Part, file_format: tfds.core.FileFormat
) -> pathlib.Path:
    """Return the path of the records of a part."""
    return folder / f"{part.name}.{file_format.file_suffix}"


def about(
    folder: pathlib.Path, part: Part, file_format: tfds.core.FileFormat
) -> About | None:
    """Return what is told of a part; None if it is not there as a whole."""
    told = _read(_about_path(folder, part))
    try:
        found = About(**told)
        size = records_of(folder, part, file_format).stat().st_size
    except (TypeError, OSError):
        return None
    return found if size == found.size else None


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
