"""The PIPA builder on a made-up copy in both layouts, and on the real list."""

import functools
import shutil

import built_copies
import fake_keypoints
import made_up_copies
import numpy as np
import pytest
import tensorflow_datasets as tfds
from built_copies import records

from safefakes_tf import faces
from safefakes_tf.config import PipaConfig
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.pipa import index_file, pipa_dataset_builder

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

SPLITS = {"train": 4, "validation": 2, "test": 1, "leftover": 1}
_build = functools.partial(built_copies.build, "pipa")


@pytest.fixture(autouse=True, scope="module")
def fake_search():
    """Let the search find the heads, which are drawn too small for MediaPipe."""
    with pytest.MonkeyPatch.context() as patch:
        detector = fake_keypoints.FakeDetector
        patch.setattr(AnonymizedBuilder, "create_detector", detector)
        yield


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return made_up_copies.pipa(tmp_path_factory.mktemp("pipa"))


@pytest.fixture
def copy(raw, tmp_path):
    """Return a copy that a test may break."""
    return shutil.copytree(raw, tmp_path / "copy")


@pytest.fixture(scope="module")
def built(raw, tmp_path_factory):
    return _build(raw, tmp_path_factory.mktemp("data"))


class PipaTest(built_copies.OfRaw, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = pipa_dataset_builder.Builder
    SPLITS = SPLITS


def test_splits_heads_and_identities(built):
    assert {name: split.num_examples for name, split in built.info.splits.items()} == (
        SPLITS
    )
    record = records(built, "train")["train/72157600000000001_10000000002.jpg"]
    faces.validate(record)
    np.testing.assert_array_equal(
        record[faces.HEAD_PIXELS], [made_up_copies.FACE, made_up_copies.SMALL_HEAD]
    )
    np.testing.assert_array_equal(record[faces.IDENTITY], [1, 1])
    assert record[faces.IDENTITY].dtype == np.int64
    # The head that is left over is on the photo all the same, and is to be hidden.
    np.testing.assert_array_equal(record[faces.SUBSET], [1, 0])


def test_boxes_of_faces_lie_in_heads_and_tell_where_from(built):
    record = records(built, "train")["train/72157600000000001_10000000002.jpg"]
    found, guessed = record[faces.BBOX_SOURCE]
    assert (found, guessed) == (faces.FROM_MESH, faces.FROM_HEAD)
    x, y, width, height = made_up_copies.FACE
    fx, fy, fw, fh = record[faces.BBOX_PIXELS][0]
    assert x <= fx and y <= fy and fx + fw <= x + width and fy + fh <= y + height
    # 0.1 off each side and 0.2 off above, widened to whole pixels.
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS][1], [-2, -1, 12, 15])
    np.testing.assert_array_equal(record[faces.HAS_KEYPOINTS], [True, False])
    assert record[faces.KEYPOINTS].shape == (2, 75, 2)


def test_identities_of_splits_are_disjoint(built):
    shown = [
        {i for r in records(built, split).values() for i in r[faces.IDENTITY]}
        for split in ("train", "validation", "test")
    ]
    assert sum(map(len, shown)) == len(set.union(*shown))


def test_a_flat_folder_with_the_other_names_is_the_same_data_set(copy, built, tmp_path):
    for path in list(copy.rglob("*.jpg")):
        path.rename(copy / path.name.split("_")[1])
    (copy / "annotations" / "index.txt").rename(copy / "all_data.txt")
    flat = _build(copy, tmp_path)
    for split in SPLITS:
        one, other = records(built, split), records(flat, split)
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(
                one[name][faces.IMAGE], other[name][faces.IMAGE]
            )


def test_the_studys_training_set_has_the_validation_photos(raw, tmp_path):
    joined = _build(raw, tmp_path, pipa=PipaConfig(join_validation=True))
    assert joined.builder_config.name == "source-train_and_validation"
    assert joined.info.splits["train"].num_examples == 6
    assert set(joined.info.splits) == {"train", "test", "leftover"}


def test_a_partial_copy_is_refused_by_name_or_accepted(copy, tmp_path):
    shutil.rmtree(copy / "test")
    with pytest.raises(
        ValueError, match=r"^1 of 8 photos .*test/7\S+_\d+\.jpg; [^\n]*$"
    ):
        _build(copy, tmp_path)
    partial = _build(copy, tmp_path, allow_partial=True)
    assert "test" not in partial.info.splits


def test_a_photo_in_two_albums_has_the_heads_of_both(copy):
    path = copy / "annotations" / "index.txt"
    text = path.read_text()
    path.write_text(text + "9 10000000003 1 2 3 4 5 1\n9 10000000003 1 2 3 4 5 1\n")
    (photo,) = (p for p in index_file.read(path) if p.number == "10000000003")
    assert (len(photo.heads), photo.photoset) == (2, "72157600000000001")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 2 3 4 5 6 7", "photoset photo xmin"),
        ("1 2 3 4 5 x 7 1", "whole numbers from 1 to"),
        ("1 2 3 4 0 6 7 1", "whole numbers from 1 to"),
        ("1 2 3 4 nan 6 7 1", "whole numbers"),
        ("1 ../../2 3 4 5 6 7 1", "whole numbers from 0"),
        ("1 2 3 4 5 6 7 4", "whole numbers from 0 to 3"),
        ("1 2 3 4 5 6 99999999999999999999 1", "whole numbers"),
        ("1 2 3 4 5000000000 6 7 1", "whole numbers"),
    ],
)
def test_a_malformed_line_is_named(copy, tmp_path, line, expected):
    path = copy / "annotations" / "index.txt"
    path.write_text(path.read_text() + line + "\n")
    message = rf"^\S*index\.txt, line 10: expected {expected}[^\n]*$"
    with pytest.raises(ValueError, match=message):
        _build(copy, tmp_path)


def test_missing_files_are_one_line(copy, tmp_path):
    with pytest.raises(ValueError, match=r"^there is no folder .*nowhere; [^\n]*$"):
        _build(tmp_path / "nowhere", tmp_path)
    (copy / "annotations" / "index.txt").unlink()
    with pytest.raises(ValueError, match=r"^annotations/index\.txt is not in [^\n]*$"):
        _build(copy, tmp_path)


def test_the_end_of_a_build_tells_the_licence(raw, tmp_path, capsys):
    _build(raw, tmp_path, anonymizer="blackout")
    told = capsys.readouterr().out
    assert told.count("licence: PIPA: ") == 2  # of the source, and of what is made
    assert "Anonymized photos inherit it." in told
