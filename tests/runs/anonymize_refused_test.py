"""What --mode=anonymize refuses before it writes anything."""

import os

import pytest
from annotated_photos import HEADER, anonymized, black

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": "/no/such"}, "--input must be a folder of photos"),
        ({"output": "."}, "is there already; name another folder"),
        ({"rows": "gone.png,1,2,30,40"}, "1 of 1 annotated photos are not in"),
        (
            {"rows": "a/one.png,200,2,30,40"},
            r"0 of a/one\.png, .*200 2 30 40, .*middle",
        ),
        ({"rows": "a/one.png,-99,2,300,9"}, r"one\.png, .*300 9, .*2 times as large"),
        ({"rows": "a/one.png,1,2,9,9\na/one.png,95,2,30,9"}, r"face 1 of a/one\.png, "),
        ({"rows": "two.png,60,10,30,40"}, r"two\.png, .*stored turned.* 80 px wide"),
        ({"rows": "a/one.png,1,2,9,9\ntwo.png,60,10,30,40"}, r"face 0 of two\.png, "),
        ({"rows": f"{'a' * 300}.png,1,2,30,40"}, "1 of 1 annotated photos are not in"),
        ({"output": "{boxes}/out"}, "boxes.csv/out cannot be written"),
        ({"output": "{photos}/out"}, "lies in the folder of the photos"),
    ],
)
def test_mistakes_leave_nothing_behind(change, message, photos, boxes, tmp_path):
    if "rows" in change:
        boxes.write_text(f"{HEADER}{change['rows']}\n")
    given = {"photos": str(photos), "output": str(tmp_path / "out"), **change}
    given["output"] = given["output"].format(photos=photos, boxes=boxes)
    with pytest.raises(ValueError, match=message):
        black(given["photos"], boxes, given["output"])
    assert not list(tmp_path.glob("out*"))


def test_the_original_is_refused_before_anything_is_written(photos, boxes, tmp_path):
    with pytest.raises(ValueError, match=r"one of blackout, blur, .*ciagan; original"):
        anonymized("original", photos, boxes, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_two_names_of_one_file_are_refused(link, photos, boxes, tmp_path):
    link(photos / "two.png", photos / "again.png")
    boxes.write_text(f"{HEADER}two.png,0,0,20,20\nagain.png,40,40,20,20\n")
    with pytest.raises(ValueError, match=r"two\.png and again\.png are one file"):
        black(photos, boxes, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("name", ["faces.csv", "Faces.CSV", "review.html"])
def test_annotations_with_a_name_of_the_output_are_refused(
    name, photos, boxes, tmp_path
):
    with pytest.raises(ValueError, match=r"must not be called .*; got .*; rename"):
        black(photos, boxes.rename(tmp_path / name).absolute(), tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_folder_with_a_name_of_the_output_is_refused(photos, boxes, tmp_path):
    (photos / "a").rename(photos / "Boxes.csv")
    boxes.write_text(f"{HEADER}Boxes.csv/one.png,1,2,30,40\n")
    with pytest.raises(ValueError, match=r"got Boxes\.csv/one\.png; rename it"):
        black(photos, boxes, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
