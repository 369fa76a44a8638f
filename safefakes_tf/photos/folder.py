"""The photos in a user's folder, by their names."""

import collections
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from safefakes_tf import printing
from safefakes_tf.photos import formats

HIDDEN, LINK, NO_SUFFIX = "hidden", "link to a folder", "no suffix"
NO_FILE = "no regular file"  # a pipe or a device, which may never end


class Listing(NamedTuple):
    """What is in a folder and below it.

    Attributes:
        folder: of the photos.
        names: of the photos, relative to the folder, sorted.
        left_out: reason -> how many files or folders were left out for it: hidden
            ones, links to folders, what is no regular file, and files of each suffix
            that is of no photo.
    """

    folder: pathlib.Path
    names: list[str]
    left_out: dict[str, int]


def listing(path: pathlib.Path) -> Listing:
    """List the photos of a folder and its sub-folders.

    Args:
        path: of the folder, or of a photo, which is listed alone.

    Raises:
        ValueError: if a folder cannot be read, no photo is there, or the name of one is
            no text.
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
            if reason := _reason_of_file(place, name):
                left_out[reason] += 1
            else:
                names.append(pathlib.Path(place, name).relative_to(path).as_posix())
    for name in names:
        formats.check_name(name)
    if not names:
        raise ValueError(
            f"{path} holds no photo{told(left_out)}; name a folder of photos, "
            "or a photo"
        )
    return Listing(path, sorted(names), dict(left_out))


def told(left_out: Mapping[str, int]) -> str:
    """Return in brackets what was left out; nothing if nothing was."""
    parts = [f"{count} {reason}" for reason, count in sorted(left_out.items())]
    parts = map(printing.escaped, parts)
    hint = "; " + formats.HEIF_HINT if set(left_out) & {*formats.HEIF_SUFFIXES} else ""
    return f" (left out: {', '.join(parts)}{hint})" if left_out else ""


def _reason_of_folder(place, name):
    if name.startswith("."):
        return HIDDEN
    return LINK if os.path.islink(os.path.join(place, name)) else None


def _reason_of_file(place, name):
    if name.startswith("."):
        return HIDDEN
    if formats.is_photo(name):
        path = os.path.join(place, name)
        # A link to nothing is listed: its photo cannot be read, and that is told.
        return None if os.path.isfile(path) or not os.path.exists(path) else NO_FILE
    return pathlib.PurePath(name).suffix.lower() or NO_SUFFIX


def _refuse(error):
    raise ValueError(
        f"{error.filename} cannot be read: {error.strerror}; its photos would be left "
        "out; make it readable, or move it away"
    )
