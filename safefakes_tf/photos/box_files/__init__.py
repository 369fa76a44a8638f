"""Boxes of faces on a user's own photos, in one of several formats."""

import collections
import difflib
import hashlib
import json
import os
import pathlib
import types
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from absl import logging

from safefakes_tf.photos.box_files import (
    coco,
    csv_table,
    label_studio,
    voc,
    wider_text,
    yolo,
)
from safefakes_tf.photos.box_files.listing import MOST_TOLD, Listing
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from safefakes_tf.photos.box_files.text_file import TextFile


class Format(NamedTuple):
    """A format of annotations.

    Attributes:
        module: `recognises(file)` tells whether a file is of it; `read(files, listing)`
            notes what all of them say.
        unit: of its boxes.
        companions: files beside, which alone say nothing.
    """

    module: types.ModuleType
    unit: str = "pixels"
    companions: tuple[str, ...] = ()


# The first that recognises a file reads it.
FORMATS = {
    "COCO JSON": Format(coco),
    "Label Studio JSON": Format(label_studio, "percent"),
    "Pascal VOC XML": Format(voc),
    "CSV": Format(csv_table),
    "YOLO text": Format(yolo, "relative", yolo.COMPANIONS),
    "WIDER FACE text": Format(wider_text),
}
SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".names")


def load(
    path: pathlib.Path, categories: Collection[str] = ()
) -> tuple[dict[str, bytes], list[PhotoBoxes]]:
    """Read the boxes of photos, in one of `FORMATS`; the content tells which.

    Args:
        path: a file, or a folder of files, its sub-folders included.
        categories: which boxes count; all, where the files have but one category.

    Returns:
        The files that were read, by their names beneath the folder that holds `path`,
        and what they say. Names of photos are as written: see `name_matching`.

    Raises:
        ValueError: with all mistakes of the files, or with the categories that there
            are, if there are several and none is chosen.
    """
    name, files = _read(path)
    listing = Listing()
    FORMATS[name].module.read(files, listing)
    listing.check(f"{path} ({name})")
    for reason, count in listing.skipped.items():
        logging.warning("%s: %d %s are left out", path, count, reason)
    if not listing.boxes:
        raise ValueError(f"--annotations: {path} names no photo")
    _choose(path, listing, categories)
    photos = [
        PhotoBoxes(
            photo,
            np.array([box.values for box in boxes], np.float64).reshape(-1, 4),
            listing.sizes.get(photo),
            FORMATS[name].unit,
            tuple(number for number, box in enumerate(boxes) if box.crowd),
            tuple(box.identity for box in boxes),
        )
        for photo, boxes in listing.boxes.items()
    ]
    prefix = "" if path.is_file() else f"{path.resolve().name}/"
    return {f"{prefix}{file.name}": file.content for file in files}, photos


def digest(files: Mapping[str, bytes]) -> str:
    """Return a SHA-256 that changes with the name and the content of every file."""
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


def _read(path):
    """Return the name of the format, and the files that are of it or belong to it."""
    try:
        if path.is_file():
            file = TextFile(path.name, path.read_bytes(), alone=True)
            name = _of_one_format(path, [file])[0]
            beside = map(path.with_name, FORMATS[name].companions)
            companions = [each for each in beside if each.is_file()]
            return name, [file, *(_text_file(path.parent, each) for each in companions)]
        if path.is_dir():
            files = [_text_file(path, each) for each in _inside(path)]
            return _of_one_format(path, files)
    except OSError as error:
        raise ValueError(f"{path} must be readable; it is not: {error}") from error
    raise ValueError(f"--annotations: {path} is not there")


def _text_file(folder, path):
    name = path.relative_to(folder).as_posix()
    if path.exists() and not path.is_file():  # a pipe or a device, which may never end
        raise ValueError(f"{path} is no regular file; move it out of the annotations")
    return TextFile(name, path.read_bytes(), alone=False)


def _inside(folder):
    """Return the files in a folder that may be annotations."""
    return sorted(
        pathlib.Path(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )


def _of_one_format(path, files):
    formats = {file.name: _format_of(file) for file in files}
    counts = collections.Counter(filter(None, formats.values()))
    if not counts:
        raise ValueError(
            f"{path} must be {', '.join(FORMATS)}, or a folder of such files; it is "
            f"none{_hint(files)}"
        )
    if len(counts) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ValueError(
            f"{path} holds files of several formats ({told}); name one of them, or a "
            "folder that holds one kind"
        )
    (name,) = counts
    companions = FORMATS[name].companions
    own = [file for file in files if formats[file.name] or file.basename in companions]
    if len(own) < len(files):
        others = [file.name for file in files if file not in own]
        logging.warning(
            "%s: %d files are no annotations and are passed over, e.g. %s",
            path, len(others), others[0],
        )  # fmt: skip
    return name, own


def _format_of(file):
    rows = FORMATS.items()
    return next((name for name, row in rows if row.module.recognises(file)), None)


def _hint(files):
    """Return what a file is that people take for annotations."""
    for file in files:
        if isinstance(file.json, list) and "image_id" in str(file.json[:1]):
            return ": results for COCO do not name photos; add `images` to them"
        if file.xml is not None and file.xml.tag == "annotations":
            return ": CVAT's own XML; export the task as COCO 1.0"
    return ""


def _choose(path, listing, categories):
    """Leave the boxes of some categories, and those that have none."""
    counts = collections.Counter(
        box.category for boxes in listing.boxes.values() for box in boxes
    )
    counts.pop(None, None)
    most = counts.most_common(MOST_TOLD)
    told = ", ".join(f"{name} ({count})" for name, count in most)
    told += ", ..." if len(counts) > MOST_TOLD else ""
    if len(counts) > 1 and not categories:
        raise ValueError(
            f"{path} has boxes of {len(counts)} categories: {told}; choose with "
            f"--category={most[0][0]}, or several with commas"
        )
    for name in categories:
        if name not in counts:
            near = difflib.get_close_matches(name, counts, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"--category must be among those of {path}: {told or 'none'}; got "
                f"{name}{hint}"
            )
    if categories:
        for photo, boxes in listing.boxes.items():
            listing.boxes[photo] = [
                box for box in boxes if box.category in (None, *categories)
            ]
