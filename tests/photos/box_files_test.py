"""Boxes of a user's photos in three formats, and their mistakes."""

import json
import pathlib

import numpy as np
import pytest

from safefakes_tf.photos import box_files

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
        _, (first, second) = box_files.load(path)
        assert (first.filename, second.filename) == ("a/one.jpg", "two.png")
        assert np.abs(first.boxes - BOXES).max() <= 0.5
        assert second.boxes.shape == (0, 4)
    assert box_files.load(tmp_path / "boxes.json")[1][0].size == (100, 80)


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
        (
            "boxes.csv",
            "filename,x,y,width,height\na.jpg,1,2,0,4\n",
            r"a width and a height above 0; got \[1.0, 2.0, 0.0, 4.0\] of a.jpg",
        ),
        (
            "boxes.csv",
            "filename,x,y,width,height\na.jpg,1,5,2,3,4\n",
            "line 2: expected 5 values, got 6; decimals are written with a point",
        ),
        ("boxes.csv", "filename,x,y,width,height\n,1,2,3,4\n", "inside .*; got ''"),
        ("boxes.csv", "filename,x,y,width,height\n.,1,2,3,4\n", "inside .*; got '.'"),
        ("boxes.csv", f"filename\n{'a' * 200_000}\n", "missing: height"),
        (
            "boxes.csv",
            f"filename,x,y,width,height\n{'a' * 200_000},,,,\n",
            "must be a CSV table; it is not: field larger",
        ),
        ("boxes.json", coco(images=[{"id": 3, "file_name": 5}]), "file_name 5"),
        (
            "boxes.json",
            coco(annotations=[{"image_id": 3, "bbox": []}]),
            r"bbox of four numbers\); it is not: .*bbox \[\]",
        ),
        (
            "boxes.json",
            coco(annotations=[{"image_id": 3, "bbox": [1, 2, 3, 10**400]}]),
            "has a number that is too large",
        ),
        ("boxes.json", "[" * 100_000, "must be COCO JSON"),
        (
            "boxes.txt",
            f"a.jpg\n1\n1 2 3 {10**20} 0 0 0 0 0 0\n",
            "line 3|a number that is too large",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(name, content, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        box_files.load(write(tmp_path / name, content))
    assert "\n" not in str(error.value)


def test_a_photo_named_twice_and_a_missing_file(tmp_path):
    twice = coco(images=[coco()["images"][0], {"id": 9, "file_name": "a/one.jpg"}])
    with pytest.raises(ValueError, match=r"names a/one\.jpg twice"):
        box_files.load(write(tmp_path / "boxes.json", twice))
    with pytest.raises(ValueError, match="is not there"):
        box_files.load(tmp_path / "none.csv")


@pytest.mark.parametrize("suffix", [".csv", ".json", ".txt"])
def test_names_in_several_spellings_are_one_photo(suffix, tmp_path):
    path = tmp_path / f"boxes{suffix}"
    if suffix == ".csv":
        rows = ["./a//one.png,10,20,30,40", "a/one.png,1.5,2,8,9", "a/./one.png,,,,"]
        write(path, "filename,x,y,width,height\n" + "\n".join(rows) + "\n")
        _, (photo,) = box_files.load(path)
        assert photo.filename == "a/one.png"
        np.testing.assert_array_equal(photo.boxes, BOXES)
        return
    names = ("a/one.png", "./a//one.png")
    text = [f"{name}\n1\n10 20 30 40 0 0 0 0 0 0\n" for name in names]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    content = coco(images=images, annotations=[])
    write(path, "".join(text) if suffix == ".txt" else content)
    with pytest.raises(ValueError, match=r"names a/one\.png twice; join its faces"):
        box_files.load(path)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".txt"])
def test_utf_8_with_the_mark_of_excel_and_no_other_encoding(suffix, tmp_path):
    text = {
        ".csv": "filename,x,y,width,height\nä.png,10,20,30,40\n",
        ".json": json.dumps(
            {
                "images": [{"id": 0, "file_name": "ä.png"}],
                "annotations": [{"image_id": 0, "bbox": [10, 20, 30, 40]}],
            },
            ensure_ascii=False,
        ),
        ".txt": "ä.png\n1\n10 20 30 40 0 0 0 0 0 0\n",
    }[suffix]
    path = tmp_path / f"boxes{suffix}"
    path.write_text(text, encoding="utf-8-sig")
    _, (photo,) = box_files.load(path)
    assert photo.filename == "ä.png"
    np.testing.assert_array_equal(photo.boxes, [[10, 20, 30, 40]])
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="UTF-8"):
        box_files.load(path)


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "boxes.json", coco())
    monkeypatch.setattr(pathlib.Path, "read_bytes", refuse)
    with pytest.raises(ValueError, match="must be readable; it is not"):
        box_files.load(path)
