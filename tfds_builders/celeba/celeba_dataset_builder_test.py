"""The CelebA builder on made-up copies: as given out, aligned, and as CSV."""

import functools
import shutil

import built_copies
import made_up_copies
import numpy as np
import pytest
import tensorflow_datasets as tfds
from built_copies import records

import main
from safefakes_tf import faces
from safefakes_tf.config import CelebaConfig
from tfds_builders.celeba import celeba_dataset_builder, tables

SPLITS = {"train": 5, "validation": 1, "test": 1}
_build = functools.partial(built_copies.build, "celeba")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return made_up_copies.celeba(tmp_path_factory.mktemp("celeba"))


@pytest.fixture
def copy(raw, tmp_path):
    """Return a copy that a test may break."""
    return shutil.copytree(raw, tmp_path / "copy")


class CelebaTest(built_copies.OfRaw, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = celeba_dataset_builder.Builder
    SPLITS = SPLITS


def test_splits_boxes_points_and_identities(raw, tmp_path):
    builder = _build(raw, tmp_path)
    assert {
        name: split.num_examples for name, split in builder.info.splits.items()
    } == (SPLITS)
    record = records(builder)["000003.jpg"]
    faces.validate(record)
    np.testing.assert_array_equal(
        record[faces.BBOX_PIXELS], [made_up_copies.CELEBA_FACE]
    )
    np.testing.assert_array_equal(record[faces.IDENTITY], [9])
    np.testing.assert_allclose(record[faces.KEYPOINTS][0, 0], [62 / 128, 57 / 128])
    # Five points that nothing is read off: the search runs for those who need others.
    assert builder.KEYPOINTS == "celeba5"
    assert builder.keypoint_layout == "found"


def test_the_people_with_the_most_training_photos(raw, tmp_path):
    builder = _build(raw, tmp_path, celeba=CelebaConfig(identities=2))
    assert builder.builder_config.name == "source-2_identities"
    people = {int(r[faces.IDENTITY][0]) for r in records(builder).values()}
    assert people == {7, 9}
    assert builder.info.splits["validation"].num_examples == 1
    # Of equals the first by number; the table knows ten of them.
    one = _build(raw, tmp_path, celeba=CelebaConfig(identities=1))
    assert {int(r[faces.IDENTITY][0]) for r in records(one).values()} == {7}
    with pytest.raises(ValueError, match=r"is 4, but the training .* 3 people[^\n]*$"):
        _build(raw, tmp_path, celeba=CelebaConfig(identities=4))


def test_a_face_whose_box_is_nowhere_has_one_all_the_same(copy, tmp_path):
    path = copy / "Anno" / "list_bbox_celeba.txt"
    table = tables.read(path)
    table |= {"000001.jpg": (49, 47, 0, 38), "000002.jpg": (500, 500, 20, 20)}
    path.write_text(tables.to_text(tables.BOXES, table))
    points = copy / "Anno" / "list_landmarks_celeba.txt"
    table = {**tables.read(points), "000002.jpg": (900,) * 10}
    points.write_text(tables.to_text(tables.POINTS, table))
    found = records(_build(copy, tmp_path))
    assert found["000001.jpg"][faces.BBOX_SOURCE] == [faces.FROM_POINTS]
    x, y, width, height = found["000001.jpg"][faces.BBOX_PIXELS][0]
    assert x < 57 and y < 62 and x + width > 71 and y + height > 77
    np.testing.assert_array_equal(
        found["000002.jpg"][faces.BBOX_PIXELS], [[0, 0, 128, 128]]
    )
    assert found["000002.jpg"][faces.BBOX_SOURCE] == [faces.FROM_PHOTO]
    assert not found["000002.jpg"][faces.HAS_KEYPOINTS].any()


@pytest.fixture
def kaggle(raw, tmp_path):
    """Return a flat copy: aligned photos, CSV, no identities."""
    folder = tmp_path / "kaggle"
    nested = folder / "img_align_celeba"
    shutil.copytree(raw / "Img" / "img_celeba", nested / "img_align_celeba")
    points = tables.read(raw / tables.places(tables.POINTS)[0])
    partition = tables.read(raw / tables.places(tables.PARTITION)[0])
    for name, rows in (
        (tables.ALIGNED_POINTS, points),
        (tables.PARTITION, partition),
    ):
        titles = ",".join(["image_id", *tables.TITLES[name].split()])
        lines = [",".join(map(str, (key, *row))) for key, row in rows.items()]
        (folder / f"{name}.csv").write_text("\n".join([titles, *lines]) + "\n")
    return folder


ALIGNED = CelebaConfig(aligned=True)


def test_aligned_photos_of_the_flat_copy(kaggle, tmp_path):
    builder = _build(kaggle, tmp_path, celeba=ALIGNED)
    assert builder.builder_config.name == "source-aligned"
    record = records(builder)["000001.jpg"]
    assert record[faces.BBOX_SOURCE] == [faces.FROM_POINTS]
    np.testing.assert_array_equal(record[faces.IDENTITY], [-1])


def test_without_identities_ciagan_is_refused_by_the_name_of_the_file(kaggle, tmp_path):
    flags = [
        "--mode=train_anonymizer",
        "--anonymizer=ciagan",
        "--dataset=celeba",
        "--set=data.celeba.aligned=true",
        f"--manual_dir={kaggle}",
        f"--data_dir={tmp_path / 'data'}",
        f"--workdir={tmp_path / 'run'}",
    ]
    message = r"^ciagan learns .* celeba has none .* without identity_CelebA\.txt"
    with pytest.raises(ValueError, match=message):
        main.main(flags)
    with pytest.raises(ValueError, match=r"^Anno/identity_CelebA\.txt is not in "):
        _build(kaggle, tmp_path, celeba=CelebaConfig(aligned=True, identities=2))


def test_a_partial_copy_is_refused_by_name_or_accepted(copy, tmp_path):
    (copy / "Img" / "img_celeba" / "000006.jpg").unlink()
    with pytest.raises(ValueError, match=r"^1 of 7 photos .* 000006\.jpg; [^\n]*$"):
        _build(copy, tmp_path)
    assert "validation" not in _build(copy, tmp_path, allow_partial=True).info.splits


@pytest.mark.parametrize(
    "name", ["Anno/list_bbox_celeba", "Eval/list_eval_partition", "Img/img_celeba"]
)
def test_a_missing_file_is_named(copy, tmp_path, name):
    (found,) = copy.glob(f"{name}*")
    found.rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=rf"^{name}\S* is not in [^\n]*$"):
        _build(copy, tmp_path)


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        (tables.BOXES, lambda t: t.replace("7\n", "8\n", 1), "1: expected 7, as rows"),
        (tables.BOXES, lambda t: t + "000001.jpg 1 2 3 4\n", "10: expected each photo"),
        (tables.BOXES, lambda t: t[:-4], "9: expected the name of a .jpg"),
        (tables.POINTS, lambda t: t.replace("71", "nan"), "3: expected whole numbers"),
        (tables.IDENTITIES, lambda t: f"../{t}", "1: expected the name of a .jpg"),
        (tables.PARTITION, lambda t: t.replace(" 0", " 3"), r"must have 0, 1 or 2"),
        (tables.PARTITION, lambda t: f"{t}000099.jpg 1\n", "e.g. 000099.jpg"),
    ],
)
def test_a_malformed_table_is_one_line(copy, tmp_path, table, change, expected):
    path = copy / tables.places(table)[0]
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=rf"^[^\n]*{expected}[^\n]*$"):
        _build(copy, tmp_path)
