"""Broken and hostile files of every format: one line each, and none takes long."""

import json
import pathlib
import random

import numpy as np
import pytest
import written_annotations
from PIL import Image
from written_annotations import BOXES, FORMATS, SIZE

from safefakes_tf.photos import box_files, box_units, checks, name_matching

PER_FORMAT = 60
VALUES = (
    *(b"NaN", b"-1e999", b"9" * 5000, b"1" + b"0" * 400, b"null", b"true", b'""'),
    *(b"[]", b"{}", b"../../etc/passwd", b"/etc/passwd", b"\0", b"\xff\xfe", b"-0"),
    *(b"[" * 20_000, b'{"a":' * 20_000, b"<a>" * 2000, b"\n", b"'", b'"', b"\xed\xa0"),
)
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10)
)
BOMBS = {
    "laughs.xml": f"<!DOCTYPE a [{LAUGHS}]><annotation><filename>&l9;</filename>"
    "</annotation>",
    "outside.xml": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>'
    "<filename>&x;</filename></annotation>",
    "deep.xml": "<annotation>" + "<object>" * 50_000,
    "deep.json": '{"images":' * 100_000,
    "counts.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "two.png"}],
            "annotations": [
                {
                    "id": 1,
                    "image_id": 1,
                    "segmentation": {"size": [10**9, 10**9], "counts": text},
                }
                for text in ("o" * 200_000, [10**18 - 1, 1], [-5, 10**30])
            ],
        }
    ),
    "rows.txt": "two.png\n99999999999999999999\n1 2 3 4\n",
    "long.txt": "a" * 200_000 + ",b\n",
    "two.txt": "0 .5 .5 .00001 .1\n",
    "wide.csv": "filename" + ",x" * 100_000 + "\n" + "," * 100_000,
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for name in BOXES:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def damaged(rng, content):
    """Return bytes that are cut, doubled, or in which something is replaced."""
    kind = rng.choice(("cut", "value", "value", "byte", "twice", "swap"))
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    if kind == "cut":
        return content[:start]
    if kind == "twice":
        return content[:end] + content[start:]
    if kind == "byte":
        return content[:start] + bytes([rng.randrange(256)]) + content[start + 1 :]
    if kind == "swap":
        parts = content.split(b",") if b"," in content else content.split(b"\n")
        rng.shuffle(parts)
        return (b"," if b"," in content else b"\n").join(parts)
    numbers = [n for n, letter in enumerate(content) if chr(letter).isdigit()]
    start = rng.choice(numbers or [0])
    end = start
    while end < len(content) and chr(content[end]) in "0123456789.":
        end += 1
    return content[:start] + rng.choice(VALUES) + content[end:]


def outcome(path, photos):
    """Return the error of a file, or None if boxes of photos in the folder came."""
    try:
        _, listed = box_files.load(path, ["face"] if "coco" in path.name else ())
        listed = name_matching.match(photos, listed)
        checks.check_present(photos, listed)
        sizes = {photo.filename: SIZE[::-1] for photo in listed}
        for photo in box_units.in_pixels(listed, sizes):
            checks.check_fit(photo, SIZE[::-1], turned=False)
            assert photo.filename in BOXES
            assert np.isfinite(photo.boxes).all()
            assert (photo.boxes[:, 2:] > 0).all()
    except ValueError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < 5000
        return message
    return None


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_files_are_read_or_refused_in_one_line(form, photos, tmp_path):
    rng = random.Random(form)
    path = written_annotations.write(tmp_path, form)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    whole = {file: file.read_bytes() for file in files}
    assert outcome(path, photos) is None
    refused = 0
    for _ in range(PER_FORMAT):
        file = rng.choice(files)
        file.write_bytes(damaged(rng, whole[file]))
        refused += outcome(path, photos) is not None
        file.write_bytes(whole[file])
    assert refused > PER_FORMAT / 10
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(name, photos, tmp_path):
    path = pathlib.Path(tmp_path, name)
    path.write_text(BOMBS[name])
    assert outcome(path, photos)
