"""What a finished folder was made from: noted in it, and compared by later runs."""

import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from safefakes_tf import unfinished
from safefakes_tf.own_folders import METADATA
from safefakes_tf.photos import inspection, reader
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes

SETTINGS, PHOTOS = "made_from", "photos"  # of `METADATA`
DIGESTS = SHA256, BOXES_SHA256 = "sha256", "boxes_sha256"  # of a file, and its boxes

# Of a file's digest. They tell another file with all but one of 65,536, and nobody to
# whom the folder comes which file it was. Boxes are no secret: the folder has them.
NOTED_DIGITS = 4

Digests = Mapping[str, Mapping[str, str]]  # photo -> name in `DIGESTS` -> hex digits


def digests(encoded: bytes, photo: PhotoBoxes) -> dict[str, str]:
    """Return what the result for a photo depends on, beside the settings.

    Args:
        encoded: bytes of its file.
        photo: its boxes.
    """
    values = hashlib.sha256(encoded).hexdigest(), photo.digest()
    return dict(zip(DIGESTS, values, strict=True))


def noted(settings: Mapping[str, str], done: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `METADATA` tells for `check_same`.

    Args:
        settings: what all photos depend on, as of `unfinished.opened`.
        done: photo -> what the journal tells of it, its digests among that.
    """
    photos = {name: _noted(about) for name, about in done.items()}
    return {SETTINGS: {**settings}, PHOTOS: photos}


def check_same(
    output: pathlib.Path,
    settings: Mapping[str, str],
    folder: pathlib.Path,
    listed: Iterable[PhotoBoxes],
) -> None:
    """Check that a finished folder is what a run would make now.

    Args:
        output: the folder; has a file `METADATA`.
        settings: as of `noted`.
        folder: of the photos.
        listed: the photos and their boxes.

    Raises:
        ValueError: if it was made from anything else, which is named, or by a version
            that did not note from what.
    """
    before = _read(output / METADATA)
    if before is None:
        raise ValueError(
            f"--output {output} is complete, as an earlier version left it, which did "
            "not note its photos and boxes: whether they are the same now cannot be "
            "told; name another --output"
        )
    changed = unfinished.changes(before[SETTINGS], settings)
    changed += _changed_photos(before[PHOTOS], _digests_now(folder, listed))
    if changed:
        raise ValueError(
            f"--output {output} is complete, and made from something else "
            f"({'; '.join(changed)}); name another --output"
        )


def _read(path):
    """Return what was noted; None if it was not, or if somebody changed the file."""
    try:
        content = json.loads(path.read_bytes())
        settings, photos = content[SETTINGS], content[PHOTOS]
        whole = isinstance(settings, dict) and all(
            {*DIGESTS} <= about.keys() for about in photos.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return content if whole else None


def _digests_now(folder, listed):
    now = {}
    for photo in listed:
        with reader.reading(folder / photo.filename):
            encoded = (folder / photo.filename).read_bytes()
        now[photo.filename] = _noted(digests(encoded, photo))
    return now


def _noted(about):
    return {
        SHA256: about[SHA256][:NOTED_DIGITS],
        BOXES_SHA256: about[BOXES_SHA256],
    }


def _changed_photos(before: Digests, now: Digests) -> list[str]:
    """Return a text per way in which photos differ."""
    both = [name for name in now if name in before]
    groups = {
        "new photos": [name for name in now if name not in before],
        "photos gone": [name for name in before if name not in now],
        "photos replaced": _differing(SHA256, both, before, now),
        "photos with other boxes": _differing(BOXES_SHA256, both, before, now),
    }
    return [
        f"{what} ({len(names)}): {inspection.named(names)}"
        for what, names in groups.items()
        if names
    ]


def _differing(digest, names, before, now):
    return [name for name in names if before[name][digest] != now[name][digest]]
