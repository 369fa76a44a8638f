"""The FDF builder on a made-up copy: JSON alone, arrays beside it, parts of it."""

import functools
import json
import shutil

import built_copies
import made_up_copies
import numpy as np
import pytest
import tensorflow_datasets as tfds
from built_copies import records

from safefakes_tf import faces
from safefakes_tf.config import FdfConfig
from tfds_builders.fdf import fdf_dataset_builder, metadata, raw_files

SPLITS = {"train": 4, "validation": 2}
_build = functools.partial(built_copies.build, "fdf")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return made_up_copies.fdf(tmp_path_factory.mktemp("fdf"))


@pytest.fixture
def copy(raw, tmp_path):
    """Return a copy that a test may break."""
    return shutil.copytree(raw, tmp_path / "copy")


class FdfTest(built_copies.OfRaw, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = fdf_dataset_builder.Builder
    SPLITS = SPLITS


def test_splits_keypoints_and_whom_to_credit(raw, tmp_path):
    builder = _build(raw, tmp_path)
    assert {
        name: split.num_examples for name, split in builder.info.splits.items()
    } == (SPLITS)
    record = records(builder)["images/128/2.png"]
    faces.validate(record)
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS], [made_up_copies.FACE])
    np.testing.assert_array_equal(record[faces.CONTEXT], [[0, 0, 1, 1]])
    assert record["image/author"] == b"author 2"
    assert record["image/license_url"].endswith(b"licenses/by/2.0/")
    assert record["image/url"] == b"http://www.flickr.com/photos/2/"
    assert builder.keypoint_layout == "deepprivacy7"
    points = record[faces.KEYPOINTS][0]
    np.testing.assert_allclose(points[0], [0.55, 0.5])
    # Left before right, which are the person's; the file has them the other way round.
    np.testing.assert_allclose(points[1:3], [[0.45, 0.62], [0.45, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(points[5:], [[1.1, 0.8], [1.1, 0.2]], rtol=1e-6)


def test_arrays_come_before_the_metadata(copy, tmp_path):
    boxes = np.tile([10, 20, 90, 100], [6, 1])
    (copy / "bounding_box").mkdir()
    (copy / "bounding_box" / "128.torch").write_bytes(
        made_up_copies.torch_tensor(boxes)
    )
    points = np.linspace(0, 0.9, 84, dtype=np.float32).reshape(6, 14)
    np.save(copy / "landmarks.npy", points)
    record = records(_build(copy, tmp_path))["images/128/3.png"]
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS], [[10, 20, 80, 80]])
    np.testing.assert_allclose(record[faces.KEYPOINTS][0, 0], points[3, [1, 0]])
    np.save(copy / "landmarks.npy", points[:5])
    with pytest.raises(ValueError, match=r"landmarks\.npy has 5 rows, .* index 5; "):
        _build(copy, tmp_path / "other")


@pytest.mark.parametrize(
    ("first", "label", "count"), [(3, "first_3", 3), (0.5, "first_0.5", 2)]
)
def test_a_part_takes_the_first_training_images(raw, tmp_path, first, label, count):
    builder = _build(raw, tmp_path, fdf=FdfConfig(first=first))
    assert builder.builder_config.name == f"source-{label}"
    names = {f"images/128/{index}.png" for index in range(count)}
    assert records(builder).keys() == names
    assert builder.info.splits["validation"].num_examples == 2


def test_smaller_images_are_another_config(tmp_path):
    raw = made_up_copies.fdf(tmp_path / "raw", size=32)
    with pytest.raises(ValueError, match=r"^images/128 is not in [^\n]*$"):
        _build(raw, tmp_path)
    builder = _build(raw, tmp_path, fdf=FdfConfig(size=32))
    record = records(builder)["images/32/0.png"]
    assert record[faces.IMAGE].shape == (32, 32, 3)
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS], [[8, 8, 16, 18]])


def test_a_copy_of_one_licence_has_gaps(copy, tmp_path):
    for index in (1, 4):
        (copy / "images" / "128" / f"{index}.png").unlink()
    with pytest.raises(ValueError, match=r"^2 of 6 photos .* 1\.png; [^\n]*$"):
        _build(copy, tmp_path)
    builder = _build(copy, tmp_path, allow_partial=True)
    assert builder.info.metadata["absent"] == 2
    assert records(builder).keys() == {f"images/128/{i}.png" for i in (0, 2, 3)}


def test_a_face_without_an_extent_has_the_whole_image(copy, tmp_path):
    _change(copy, "0", bounding_box=[0.5, 0.5, 0.5, 0.6])
    record = records(_build(copy, tmp_path))["images/128/0.png"]
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS], [[0, 0, 128, 128]])


def _change(copy, key, **fields):
    path = copy / metadata.FILE
    entries = json.loads(path.read_text())
    entries[key] = {**entries.get(key, {}), **fields}
    path.write_text(json.dumps(entries))


@pytest.mark.parametrize(
    ("key", "fields", "expected"),
    [
        ("1", {"category": "test"}, "'1': category must be one of training, valid"),
        ("1", {"category": [1]}, "'1': category must be"),
        ("1", {"bounding_box": [0, 0, 1]}, "bounding_box must be 4 numbers"),
        ("1", {"bounding_box": [0, 0, 1, 1e300]}, "bounding_box must be 4 numbers"),
        ("1", {"landmark": [[0.1, "a"]] * 7}, "landmark must be 7 x 2 numbers"),
        ("1", {"landmark": [[0.1, float("nan")]] * 7}, "must be JSON"),
        ("1", {"author": 3}, "author must be a text"),
        ("../1", {}, "'../1': the index must have up to 7 digits"),
        ("99999999", {}, "the index must have up to 7 digits"),
        ("01", made_up_copies.fdf_entry("training"), "has entry 1 twice"),
    ],
)
def test_a_malformed_entry_is_named(copy, tmp_path, key, fields, expected):
    _change(copy, key, **fields)
    with pytest.raises(ValueError, match=rf"^\S*fdf_metainfo\.json[^\n]*{expected}"):
        _build(copy, tmp_path)


def test_missing_metadata_and_wrong_images_are_one_line(copy, tmp_path):
    made_up_copies.photo(0, 64).save(copy / "images" / "128" / "0.png")
    with pytest.raises(ValueError, match=r"^\S*/0\.png must have 128 x 128 px; got 64"):
        _build(copy, tmp_path)
    (copy / metadata.FILE).unlink()
    with pytest.raises(ValueError, match=r"^fdf_metainfo\.json is not in [^\n]*$"):
        _build(copy, tmp_path)
    (copy / metadata.FILE).mkdir()
    with pytest.raises(ValueError, match=r"fdf_metainfo\.json must be a file[^\n]*$"):
        _build(copy, tmp_path)


def test_a_digest_tells_copies_of_other_licences_apart(raw, copy, tmp_path):
    assert raw_files.digest(raw, 128) == raw_files.digest(copy, 128)
    (copy / "images" / "128" / "3.png").unlink()
    assert raw_files.digest(raw, 128) != raw_files.digest(copy, 128)
    assert raw_files.digest(tmp_path, 128) is None
