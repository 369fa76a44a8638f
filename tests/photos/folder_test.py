import os

import pytest

from safefakes_tf.photos import folder


@pytest.fixture
def photos(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.webp", ".d.jpg", ".cache/e.jpg", "f.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "g").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    return tmp_path


def test_photos_of_all_folders_are_listed_and_the_rest_is_counted(photos):
    found = folder.listing(photos)
    assert found.folder == photos
    assert found.names == ["a.png", "b.JPG", "sub/c.webp"]
    assert found.left_out == {
        "hidden": 2,
        ".mp4": 1,
        "no suffix": 1,
        "link to a folder": 1,
    }
    said = " (left out: 1 .mp4, 2 hidden, 1 link to a folder, 1 no suffix)"
    assert folder.told(found.left_out) == said
    assert folder.told({}) == ""
    assert "pip install 'safefakes-tf[heif]'" in folder.told({".heic": 3})


def test_a_photo_is_listed_alone(photos):
    found = folder.listing(photos / "sub" / "c.webp")
    assert found == (photos / "sub", ["c.webp"], {})
    with pytest.raises(ValueError, match=r"photos must be JPEG.* got f\.mp4"):
        folder.listing(photos / "f.mp4")


def test_a_folder_without_photos_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"holds no photo \(left out: 1 \.txt\); name"):
        folder.listing(tmp_path)


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"gone cannot be read: No such file"):
        folder.listing(tmp_path / "gone")


def test_what_is_no_regular_file_is_left_out(photos):
    """Reading it might never end."""
    os.mkfifo(photos / "pipe.jpg")
    (photos / "zero.png").symlink_to("/dev/zero")
    (photos / "linked.png").symlink_to(photos / "a.png")
    (photos / "lost.png").symlink_to(photos / "gone")  # which inspection refuses
    found = folder.listing(photos)
    assert found.names == ["a.png", "b.JPG", "linked.png", "lost.png", "sub/c.webp"]
    assert found.left_out["no regular file"] == 2
    with pytest.raises(ValueError, match="cannot be read: Not a directory"):
        folder.listing(photos / "pipe.jpg")


@pytest.mark.parametrize("name", [b"M\xfcller.jpg", b"f\xfc/a.jpg"])
def test_names_that_are_no_text_are_refused_at_once(name, tmp_path):
    """What writes photos and their lists takes none."""
    path = tmp_path / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    refused = r"must be UTF-8; got [fM]\udcfc[^\n]*; rename it$"
    with pytest.raises(ValueError, match=refused):
        folder.listing(tmp_path)


def test_other_names_that_are_no_text_are_counted(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / os.fsdecode(b"\xfc.m\xfc")).touch()
    (tmp_path / "b.\x1b[2J").touch()
    left_out = folder.listing(tmp_path).left_out
    assert folder.told(left_out) == r" (left out: 1 .\x1b[2j, 1 .m\udcfc)"
