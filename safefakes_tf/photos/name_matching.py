"""Finds the photos that annotations mean, where they spell a name otherwise.

Annotations come from other machines: with backslashes, other folders, letters composed
otherwise, another case, without a suffix, or with the digits that Label Studio puts
before the name of an uploaded file.

Source: annotations.md, section 5.
"""

import collections
import difflib
import itertools
import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from absl import logging

from safefakes_tf.photos import formats
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes, is_inside

# What Label Studio puts before the names of uploaded files; old versions only a folder.
UPLOADED = re.compile(r"(.*/)?(upload/\d+/([0-9a-f]{8}-)?|[0-9a-f]{8}-)(?=[^/]+$)")
MOST_TOLD = 10  # names


def match(folder: pathlib.Path, listed: Sequence[PhotoBoxes]) -> list[PhotoBoxes]:
    """Give photos the names that their files have.

    A name is that of the file if it is spelled so. Else it is the one file whose whole
    path the name ends with, or the one whose path ends with the whole name; names of
    uploads tell no folder. Names that mean one file in two spellings are one photo.
    Names without a file stay as they are.

    Args:
        folder: of the photos.
        listed: as the annotations name them.

    Raises:
        ValueError: if a name may mean several files, if two names that differ by more
            than their spelling mean one, or if a name that leads out of the folder
            means none.
    """
    others = [photo.filename for photo in listed if not _is_there(folder, photo)]
    if not others:
        return list(listed)
    found = _find(_Photos(folder), others)
    told = [f"{name} is {path}" for name, path in found.items()]
    if told:
        logging.warning(
            "%d of %d names of photos are spelled otherwise than in %s: %s%s",
            len(told), len(listed), folder, ", ".join(told[:3]),
            ", ..." if len(told) > 3 else "",
        )  # fmt: skip
    _check_one_each(listed, found)
    joined = {}
    for photo in listed:
        name = found.get(photo.filename, photo.filename)
        parts = joined.setdefault(name, [])
        parts.append(photo._replace(filename=name))
    return [_join(parts) for parts in joined.values()]


def nearest(folder: pathlib.Path, filename: str) -> str:
    """Return a hint with the name in a folder that is most like one, if one is."""
    names = [name.as_posix() for name in _photos(folder)]
    last = _key(filename).rpartition("/")[2]
    near = [name for name in names if _key(name).rpartition("/")[2] == last]
    near = near or difflib.get_close_matches(filename, names, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _is_there(folder, photo):
    inside = is_inside(photo.filename)
    return inside and os.path.isfile(folder / photo.filename)


def _photos(folder) -> Iterable[pathlib.PurePath]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            if formats.is_photo(name):
                yield pathlib.Path(root, name).relative_to(folder)


def _key(path):
    """Return a path in the spelling by which names are compared."""
    return unicodedata.normalize("NFC", str(path).replace("\\", "/")).casefold()


class _Photos:
    """The photos in a folder, by their whole paths and by the ends of these."""

    def __init__(self, folder):
        self.whole = collections.defaultdict(set)
        self.ends = collections.defaultdict(set)
        for path in _photos(folder):
            for key in (_key(path), _key(path.with_suffix(""))):
                self.whole[key].add(path.as_posix())
                parts = key.split("/")
                for start in range(1, len(parts)):
                    self.ends["/".join(parts[start:])].add(path.as_posix())

    def named(self, filename):
        """Return the photos that a name may mean: those of the first rule that fits."""
        key = _key(filename)
        parts = key.split("/")
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        uploaded = [UPLOADED.sub("", key)] if UPLOADED.match(key) else []
        for known, keys in (
            (self.whole, ends),
            (self.ends, [key]),
            (self.whole, uploaded),
            (self.ends, uploaded),  # in any folder
        ):
            for each in keys:
                if each in known:
                    return known[each]
        return set()


def _find(photos, names):
    """Return the one photo of each name that has one."""
    meant = {name: sorted(photos.named(name)) for name in names}
    several = [
        f"{name} may be {' or '.join(paths[:3])}"
        for name, paths in meant.items()
        if len(paths) > 1
    ]
    if several:
        raise ValueError(
            f"{len(several)} names of photos are ambiguous: "
            f"{'; '.join(several[:MOST_TOLD])}; write them as the files are called"
        )
    outside = [name for name in names if not meant[name] and not is_inside(name)]
    if outside:
        raise ValueError(
            f"annotations must name photos inside the folder; got {outside[0]!r}"
        )
    return {name: paths[0] for name, paths in meant.items() if paths}


def _check_one_each(listed, found):
    """Refuse two names of one file that are not spellings of one name."""
    first = {}
    for photo in listed:
        path = found.get(photo.filename, photo.filename)
        other = first.setdefault(path, photo.filename)
        if _key(other) != _key(photo.filename):
            raise ValueError(
                f"{other} and {photo.filename} would both be {path}, which is one "
                "photo; write them as the files are called"
            )


def _join(parts):
    """Return several entries of a photo as one."""
    first = parts[0]
    sizes = {part.size for part in parts} - {None}
    if len(sizes) > 1:
        raise ValueError(
            f"{first.filename} is annotated in several sizes, {sorted(sizes)}; "
            "annotate it in its own"
        )
    identities = (part.identities or (None,) * len(part.boxes) for part in parts)
    starts = np.cumsum([0, *(len(part.boxes) for part in parts)])
    return first._replace(
        boxes=np.concatenate([part.boxes for part in parts]),
        size=next(iter(sizes), None),
        regions=tuple(
            int(start) + number
            for start, part in zip(starts, parts, strict=False)
            for number in part.regions
        ),
        identities=tuple(itertools.chain(*identities)),
    )
