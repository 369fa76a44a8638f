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
