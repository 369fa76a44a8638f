"""YOLO's text: a file per photo, with the photo's name, and a line per face.

`class centre_x centre_y width height`, relative to the photo; a score may follow, or
keypoints (`kpt_shape` in data.yaml). `class x1 y1 x2 y2 x3 y3 ...` is a polygon or a
rotated box. Names of classes lie beside, in one of `COMPANIONS`.
"""

import pathlib
import re
from collections.abc import Sequence

import numpy as np

from safefakes_tf.photos.box_files import rectangles
from safefakes_tf.photos.box_files.listing import Listing, shown
from safefakes_tf.photos.box_files.text_file import TextFile

COMPANIONS = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")
NUMBERS = re.compile(r"\d+(\s+([-+.\deE]+|nan|-?inf)){4,}")


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form; one of a photo without faces is empty."""
    if not file.basename.endswith(".txt") or file.basename in COMPANIONS:
        return False
    return not file.lines or NUMBERS.fullmatch(file.lines[0][1]) is not None


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what files say, given those of `COMPANIONS` too."""
    companions = [file for file in files if file.basename in COMPANIONS]
    names = {}
    for file in companions:
        names |= _names(file)
    described = any(
        "names" in file.text for file in companions if file.basename.startswith("data")
    )
    keypoints = any(re.search(r"^kpt_shape", f.text, re.M) for f in companions)
    for file in files:
        if file in companions:
            continue
        path = pathlib.PurePosixPath(file.name)
        name = listing.photo(file.name, str(path.with_suffix("")))
        for place, line in file.lines:
            number, *words = line.split()
            with listing.at(place):
                box = _box([float(word) for word in words], keypoints, described)
                listing.add(place, name, box, names.get(number, number))


def _box(numbers, keypoints, described):
    """Return x, y, width and height; `described`: data.yaml would tell of keypoints."""
    if len(numbers) < 4:
        raise ValueError(f"expected a class and at least 4 numbers; got {len(numbers)}")
    x, y, width, height = numbers[:4]
    box = x - width / 2, y - height / 2, width, height
    points = numbers[4:]
    if len(points) <= 1 or keypoints:  # perhaps with a score
        return box
    if len(points) % 2:  # no polygon: points and whether they are seen
        if len(points) % 3:
            raise ValueError(f"expected x and y of points; got {shown(numbers)}")
        return box
    outline = np.reshape(numbers, [-1, 2])
    if not described and _inside(np.reshape(points, [-1, 2]), box):
        raise ValueError(
            "is it a polygon, or a box and keypoints? Put the data.yaml beside it, "
            "which has kpt_shape for keypoints"
        )
    return rectangles.around(outline)


def _inside(points, box):
    near, extent = np.array(box[:2]), np.array(box[2:])
    return bool(((points >= near) & (points <= near + extent)).all())


# === Names of classes ===


def _names(file):
    """Return names of classes by their numbers as texts."""
    lines = file.text.splitlines()
    if not file.basename.startswith("data"):
        named = [line.strip() for line in lines if line.strip()]
        return {str(number): name for number, name in enumerate(named)}
    # PyYAML would be a package more for this one key, in its three usual spellings.
    found = re.search(
        r"^names:[ \t]*(\[[^\]]*\]|\{[^}]*\}|(?:\s*\n(?:[ \t]+|-).*)+)", file.text, re.M
    )
    return dict(_entries(found.group(1).strip())) if found else {}


def _entries(text):
    parts = re.split(r",|\n", text.strip("[]{}"))
    parts = [part.partition("#")[0].strip() for part in parts]
    for number, part in enumerate(part for part in parts if part):
        key, colon, name = part.partition(":")
        key, name = (key, name) if colon else (str(number), part.removeprefix("-"))
        yield _unquoted(key), _unquoted(name)


def _unquoted(text):
    return text.strip().strip("'\"")
