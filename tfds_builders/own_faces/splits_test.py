"""Which photos are of the training: by list, by folder, by share."""

import pytest

from safefakes_tf.config import OwnFacesConfig
from tfds_builders.own_faces import splits

NAMES = [f"{number:04d}.jpg" for number in range(1000)]


def split_of_each(folder, names, **options):
    return splits.split_of_each(folder, names, OwnFacesConfig(**options))


def test_a_share_is_kept_and_stays_when_photos_come(tmp_path):
    found = split_of_each(tmp_path, NAMES, validation_share=0.3)
    assert 250 < list(found.values()).count("validation") < 350
    few = split_of_each(tmp_path, NAMES[::7], validation_share=0.3)
    assert few == {name: found[name] for name in NAMES[::7]}


@pytest.mark.parametrize(("share", "split"), [(0.0, "train"), (1.0, "validation")])
def test_a_share_may_be_none_or_all(tmp_path, share, split):
    assert set(split_of_each(tmp_path, NAMES, validation_share=share).values()) == {
        split
    }


def test_folders_of_splits_count(tmp_path):
    names = ["train/a/1.jpg", "val/2.jpg", "train/3.jpg"]
    assert list(split_of_each(tmp_path, names).values()) == [
        *("train", "validation", "train"),
    ]


def test_a_photo_beside_the_folders_of_splits_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^1 of 2 photos in .*, e\.g\. b\.jpg; move"):
        split_of_each(tmp_path, ["train/a.jpg", "b.jpg"])


def test_a_list_goes_before_folders(tmp_path):
    (tmp_path / "list.txt").write_text("\ufefftrain/a.jpg\n\n ./b.jpg\n")
    names = ["train/a.jpg", "b.jpg", "c.jpg"]
    assert list(
        split_of_each(tmp_path, names, validation_list="list.txt").values()
    ) == ["validation", "validation", "train"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a.jpg\nz.jpg\n", r"lists 1 photos .* e\.g\. z\.jpg; write a path"),
        (b"\xff\xfe", "must name a text file; .*list.txt cannot be read"),
        (None, "must name a text file; .*list.txt cannot be read"),
    ],
)
def test_a_list_with_a_mistake_is_one_line(tmp_path, content, words):
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"^[^\n]*{words}[^\n]*$"):
        split_of_each(tmp_path, ["a.jpg"], validation_list="list.txt")
