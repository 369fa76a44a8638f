"""Boxes of a user's photos in three formats, and their mistakes."""

import json

import numpy as np
import pytest

from tfds_builders import box_files

BOXES = [[10.0, 20.0, 30.0, 40.0], [1.5, 2.0, 8.0, 9.0]]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def coco(**changes):
    content = {
        "images": [
            {"id": 3, "file_name": "a/one.jpg", "width": 100, "height": 80},
            {"id": 5, "file_name": "two.png", "width": 50, "height": 60},
        ],
        "annotations": [{"image_id": 3, "bbox": box} for box in BOXES],
    }
    return {**content, **changes}


def test_three_formats_say_the_same(tmp_path):
    rows = "\n".join(f"a/one.jpg,{','.join(map(str, box))}" for box in BOXES)
    table = f"filename,x,y,width,height\n{rows}\ntwo.png,,,,\n"
    text = "a/one.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n1 2 8 9 0 0 0 0 0 0\n"
    text += "two.png\n0\n0 0 0 0 0 0 0 0 0 0\n"
    for path in (
        write(tmp_path / "boxes.json", coco()),
        write(tmp_path / "boxes.csv", table),
        write(tmp_path / "boxes.txt", text),
    ):
        first, second = box_files.read(path)
        assert (first.filename, second.filename) == ("a/one.jpg", "two.png")
        assert np.abs(first.boxes - BOXES).max() <= 0.5
        assert second.boxes.shape == (0, 4)
    assert box_files.read(tmp_path / "boxes.json")[0].size == (100, 80)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("boxes.xml", "", r"must be a file .txt, .json, .csv; got boxes.xml"),
        ("boxes.json", {"images": []}, "must be COCO JSON .*'annotations'"),
        ("boxes.json", "{", "must be COCO JSON"),
        ("boxes.csv", "filename,x,y,width,height\n", "names no photo"),
        ("boxes.csv", "file,x\n", "missing: filename, height, width, y"),
        (
            "boxes.csv",
            "filename,x,y,width,height\na.jpg,1,2,three,4\n",
            "line 2: x, y, width and height must be numbers",
        ),
        (
            "boxes.csv",
            "filename,x,y,width,height\n../a.jpg,1,2,3,4\n",
            "must name photos inside the folder; got '../a.jpg'",
        ),
        (
            "boxes.csv",
            "filename,x,y,width,height\na.jpg,nan,2,3,4\n",
            "a box of a.jpg is not finite",
        ),
        (
            "boxes.csv",
            "filename,x,y,width,height\na.jpg,0.1,0.2,0.3,0.4\n",
            "must have boxes in pixels; all are at most 1",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(name, content, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        box_files.read(write(tmp_path / name, content))
    assert "\n" not in str(error.value)


def test_a_photo_named_twice_and_a_missing_file(tmp_path):
    twice = coco(images=[coco()["images"][0], {"id": 9, "file_name": "a/one.jpg"}])
    with pytest.raises(ValueError, match=r"names a/one\.jpg twice"):
        box_files.read(write(tmp_path / "boxes.json", twice))
    with pytest.raises(ValueError, match="is not there"):
        box_files.read(tmp_path / "none.csv")
