"""The photos in a user's folder, by their names."""

import collections
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from safefakes_tf.photos import formats

HIDDEN, LINK, NO_SUFFIX = "hidden", "link to a folder", "no suffix"


class Listing(NamedTuple):
    """What is in a folder and below it.

    Attributes:
        folder: of the photos.
        names: of the photos, relative to the folder, sorted.
        left_out: reason -> how many files or folders were left out for it: hidden
            ones, links to folders, and files of each suffix that is of no photo.
    """

    folder: pathlib.Path
    names: list[str]
    left_out: dict[str, int]


def listing(path: pathlib.Path) -> Listing:
    """List the photos of a folder and its sub-folders.

    Args:
        path: of the folder, or of a photo, which is listed alone.

    Raises:
        ValueError: if a folder cannot be read, or no photo is there.
    """
    if path.is_file():
        formats.check_name(path.name)
        return Listing(path.parent, [path.name], {})
    names, left_out = [], collections.Counter()
    for place, folders, files in os.walk(path, onerror=_refuse):
        reasons = {name: _reason_of_folder(place, name) for name in folders}
        folders[:] = [name for name, reason in reasons.items() if not reason]
        left_out.update(filter(None, reasons.values()))
        for name in files:
            if reason := _reason_of_file(name):
                left_out[reason] += 1
            else:
                names.append(pathlib.Path(place, name).relative_to(path).as_posix())
    if not names:
        raise ValueError(
            f"{path} holds no photo{told(left_out)}; name a folder of photos, "
            "or a photo"
        )
    return Listing(path, sorted(names), dict(left_out))


def told(left_out: Mapping[str, int]) -> str:
    """Return in brackets what was left out; nothing if nothing was."""
    parts = [f"{count} {reason}" for reason, count in sorted(left_out.items())]
    hint = "; " + formats.HEIF_HINT if set(left_out) & {*formats.HEIF_SUFFIXES} else ""
    return f" (left out: {', '.join(parts)}{hint})" if parts else ""


def _reason_of_folder(place, name):
    if name.startswith("."):
        return HIDDEN
    return LINK if os.path.islink(os.path.join(place, name)) else None


def _reason_of_file(name):
    if name.startswith("."):
        return HIDDEN
    if formats.is_photo(name):
        return None
    return pathlib.PurePath(name).suffix.lower() or NO_SUFFIX


def _refuse(error):
    raise ValueError(
        f"{error.filename} cannot be read: {error.strerror}; its photos would be left "
        "out; make it readable, or move it away"
    )
