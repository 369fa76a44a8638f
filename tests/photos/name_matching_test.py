"""Names of photos as other machines spell them."""

import unicodedata

import numpy as np
import pytest

from safefakes_tf.photos import checks, name_matching
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes

LONG = "ä" * 125 + ".png"  # 254 bytes


@pytest.fixture
def folder(tmp_path):
    names = ("one.png", "a/two.JPG", "a/Zoë.png", "b/3.png", "c/3.png", LONG)
    for name in names:
        path = tmp_path / unicodedata.normalize("NFC", name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "one.txt").touch()  # labels beside photos are no photos
    return tmp_path


def photo(name, x=0, **others):
    return PhotoBoxes(name, np.array([[x, 0, 9, 9]], float), **others)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("one.png", "one.png"),
        ("one", "one.png"),
        ("ONE.PNG", "one.png"),
        ("a\\two.JPG", "a/two.JPG"),
        ("a/two.jpg", "a/two.JPG"),
        ("two", "a/two.JPG"),
        ("a/Zoe\u0308.png", "a/Zoë.png"),
        ("C:\\Users\\me\\photos\\a\\two.JPG", "a/two.JPG"),
        ("/home/me/photos/b/3.png", "b/3.png"),
        ("..\\..\\media\\upload\\4\\one.png", "one.png"),
        ("../one.png", "one.png"),
        ("/data/upload/7/0123abcd-one.png", "one.png"),
        ("0123abcd-two.jpg", "a/two.JPG"),
        ("..\\..\\media\\upload\\4\\two.JPG", "a/two.JPG"),
        ("/data/upload/4/0123abcd-two.JPG", "a/two.JPG"),
        (LONG, LONG),
        (LONG.removesuffix(".png"), LONG),
    ],
)
def test_a_name_is_that_of_the_one_file_it_means(name, file, folder, caplog):
    (found,) = name_matching.match(folder, [photo(name)])
    assert found.filename == file
    assert (f"{name} is {file}" in caplog.text) == (name != file)


def test_a_name_that_may_mean_two_files_is_refused(folder):
    with pytest.raises(ValueError, match=r"3\.png may be b/3\.png or c/3\.png"):
        name_matching.match(folder, [photo("3.png")])


@pytest.mark.parametrize("name", ["../gone.png", "/etc/passwd", "/one.png/../../x"])
def test_names_outside_that_mean_no_photo_are_refused(name, folder):
    with pytest.raises(ValueError, match="must name photos inside the folder; got"):
        name_matching.match(folder, [photo(name)])


def test_two_spellings_of_one_name_are_one_photo(folder):
    (found,) = name_matching.match(
        folder, [photo("one.png", 1, regions=(0,)), photo("One.png", 2, size=(9, 9))]
    )
    assert found.boxes[:, 0].tolist() == [1, 2]
    assert (found.regions, found.size) == ((0,), (9, 9))
    other = photo("ONE.png", size=(8, 9))
    with pytest.raises(ValueError, match="is annotated in several sizes"):
        name_matching.match(folder, [photo("One.png", size=(9, 9)), other])


def test_two_names_of_one_file_are_refused(folder):
    """They may be photos of which one is missing."""
    listed = [photo("day1/one.png"), photo("day2/one.png")]
    with pytest.raises(ValueError, match=r"would both be one\.png, which is one photo"):
        name_matching.match(folder, listed)


def test_a_photo_in_another_folder_is_not_taken_for_it(folder):
    (found,) = name_matching.match(folder, [photo("d/two.JPG")])
    assert found.filename == "d/two.JPG"
    hint = r"1 of 1 .*not in .*d/two\.JPG; .*did you mean a/two\.JPG\?"
    with pytest.raises(ValueError, match=hint):
        checks.check_present(folder, [found])
