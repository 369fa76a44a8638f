"""The text files of WIDER FACE.

Source: readme.txt of `wider_face_split.zip`; wider_eval.md, section 1.
"""

import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import is_inside

DIFFICULTIES = ("easy", "medium", "hard")
TEXTS = {
    "train": "wider_face_train_bbx_gt.txt",
    "val": "wider_face_val_bbx_gt.txt",
    "test": "wider_face_test_filelist.txt",
}

# Columns of a row after x, y, width, height.
ATTRIBUTES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
CLASSES = {
    "blur": ("clear", "normal", "heavy"),
    "expression": ("typical", "exaggerated"),
    "illumination": ("normal", "extreme"),
    "invalid": ("no", "yes"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
}
_COLUMNS = 4 + len(ATTRIBUTES)
_LIMITS = np.array([len(CLASSES[name]) for name in ATTRIBUTES])
_RANGE = np.iinfo(np.int32)


class Annotation(NamedTuple):
    """The faces of one photo.

    Attributes:
        filename: `<event>/<name>.jpg`.
        rows: int32 [N, 10]: x, y, width, height in pixels, then `ATTRIBUTES`.
    """

    filename: str
    rows: np.ndarray


def read_boxes(path: pathlib.Path) -> list[Annotation]:
    """Read `wider_face_{train,val}_bbx_gt.txt`.

    A photo has a line with its name, one with the number of its faces, and a line per
    face. Where that number is 0, a row of zeros follows all the same; where it is 1,
    the row may be zeros as well, and then counts as a face.

    Raises:
        ValueError: with the line number, if the file is not of this form, ends early,
            lists a photo twice or one outside the folder of the photos.
    """
    # The empty line added makes a file that ends early fail like a malformed one.
    lines = enumerate([*_lines(path), ""], start=1)
    return list(_photos(path, lines))


def read_names(path: pathlib.Path) -> list[Annotation]:
    """Read `wider_face_test_filelist.txt`: names alone, faces are not published.

    Raises:
        ValueError: with the line number, if the file lists a photo twice or one outside
            the folder of the photos.
    """
    none = np.zeros((0, _COLUMNS), np.int32)
    first_lines = {}
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            _check_new(path, number, line.strip(), first_lines)
    return [Annotation(name, none) for name in first_lines]


def to_text(photos: Iterable[Annotation]) -> str:
    """Return what `read_boxes` reads: a row of zeros where a photo has no face."""
    lines = []
    for photo in photos:
        rows = photo.rows.tolist() or [[0] * _COLUMNS]
        lines += [photo.filename, str(len(photo.rows))]
        lines += [" ".join(map(str, row)) + " " for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _lines(path):
    content = path.read_bytes()
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        line = content.splitlines()[number - 1]
        raise _malformed(path, number, "UTF-8 text", str(line)) from error


def _check_new(path, number, filename, first_lines):
    """Note the line of a photo; refuse one that was there before, or lies elsewhere."""
    if not is_inside(filename):
        raise _malformed(path, number, "a photo inside the folder", filename)
    if filename in first_lines:
        expected = f"each photo once, and it is in line {first_lines[filename]}"
        raise _malformed(path, number, expected, filename)
    first_lines[filename] = number


def _photos(path, lines) -> Iterator[Annotation]:
    first_lines = {}
    for number, line in lines:
        filename = line.strip()
        if not filename:
            continue
        if "/" not in filename and not pathlib.PurePath(filename).suffix:
            raise _malformed(path, number, "a photo's event/name", line)
        _check_new(path, number, filename, first_lines)
        number, line = next(lines)
        if not line.strip().isdecimal():
            raise _malformed(path, number, "the number of faces", line)
        count = int(line)
        rows = [_row(path, *next(lines)) for _ in range(max(count, 1))]
        if count == 0 and any(rows[0]):
            expected = "a row of zeros, as it follows on the number 0"
            raise _malformed(path, number + 1, expected, " ".join(map(str, rows[0])))
        yield Annotation(filename, np.int32(rows[:count]).reshape(-1, _COLUMNS))


def _row(path, number, line):
    expected = f"{_COLUMNS} whole numbers, the last {len(ATTRIBUTES)} class labels"
    try:
        row = [int(word) for word in line.split()]
    except ValueError:
        raise _malformed(path, number, expected, line) from None
    if len(row) != _COLUMNS or not all(
        0 <= label < limit for label, limit in zip(row[4:], _LIMITS, strict=True)
    ):
        raise _malformed(path, number, expected, line)
    if min(row) < _RANGE.min or max(row) > _RANGE.max:
        raise _malformed(path, number, "numbers of pixels (32 bits)", line)
    return row


def _malformed(path, number, expected, line):
    return ValueError(
        f"{path}, line {number}: expected {expected}; got {line.strip()[:80]!r}; "
        "unpack wider_face_split.zip again"
    )
