"""A part of WIDER FACE, arranged from two lists: what the builder makes of it."""

import cv2
import numpy as np
import pytest
import scipy.io

from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders
from tools.arrange_wider_subset import arrange

EVENT = "0--Parade"
FACES = ["4 5 20 20 0 0 0 0 0 0 ", "30 5 4 6 0 0 0 0 0 0 "]


@pytest.fixture
def parts(tmp_path):
    """The arguments of `arrange`: photos 0 to 3, of which 1 and 2 are listed."""
    folders = [tmp_path / name for name in ("photos", "lists", "ground_truth")]
    photos, lists, ground_truth = folders
    (photos / EVENT).mkdir(parents=True)
    for number in range(4):
        photo = np.full((40, 60, 3), 50 * number, np.uint8)
        cv2.imwrite(str(photos / EVENT / f"{number}.jpg"), photo)
    lists.mkdir()
    (lists / "train.txt").write_text(_listed(1))
    (lists / "validation.txt").write_text(_listed(2))
    ground_truth.mkdir()
    for difficulty, row in (("easy", 1), ("medium", 1), ("hard", 2)):
        _write_difficulty(ground_truth / f"wider_{difficulty}_val.mat", row)
    return {
        "photos": photos,
        "train": lists / "train.txt",
        "validation": lists / "validation.txt",
        "ground_truth": ground_truth,
        "output": tmp_path / "output",
    }


def _listed(number):
    return "\n".join([f"{EVENT}/{number}.jpg", str(len(FACES)), *FACES])


def _write_difficulty(path, row):
    """Write a file in which the same face of all four photos counts."""
    lists = {
        "file_list": _column([_column(["0", "1", "2", "3"])]),
        "gt_list": _column([_column([np.uint8([[row]])] * 4)]),
    }
    scipy.io.savemat(path, {"event_list": _column([EVENT]), **lists})


def _column(items):
    column = np.empty((len(items), 1), object)
    column[:, 0] = items
    return column


def test_the_builder_reads_each_list_as_its_split(parts, tmp_path):
    arrange(**parts)
    builder = builders.create_source_builder(
        DataConfig(
            dataset="widerface",
            data_dir=str(tmp_path / "data"),
            manual_dir=str(parts["output"]),
            allow_partial=True,
        )
    )
    builder.prepare()
    assert set(builder.info.splits) == {"train", "validation"}
    (learned,) = builder.as_dataset(split="train").as_numpy_iterator()
    (tested,) = builder.as_dataset(split="validation").as_numpy_iterator()
    assert learned[faces.FILENAME] == b"0--Parade/1.jpg"
    assert not learned[faces.EASY].any()
    assert tested[faces.FILENAME] == b"0--Parade/2.jpg"
    assert tested[faces.IMAGE].mean() == pytest.approx(100, abs=1)
    np.testing.assert_array_equal(
        tested[faces.BBOX_PIXELS], [[4, 5, 20, 20], [30, 5, 4, 6]]
    )
    np.testing.assert_array_equal(tested[faces.EASY], [True, False])
    np.testing.assert_array_equal(tested[faces.HARD], [False, True])


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (_listed(1), r"the lists share 1 photos, e\.g\. 0--Parade/1\.jpg"),
        (_listed(7), r"1 listed photos are not in .*, e\.g\. 0--Parade/7\.jpg"),
        ("no photo's name", "line 1"),
    ],
)
def test_lists_that_do_not_fit_are_refused(parts, listed, message):
    parts["validation"].write_text(listed)
    with pytest.raises(ValueError, match=message):
        arrange(**parts)
    assert not parts["output"].exists()


def test_absent_files_and_a_present_output_are_refused(parts):
    (parts["ground_truth"] / "wider_hard_val.mat").unlink()
    with pytest.raises(ValueError, match=r"wider_hard_val\.mat is missing"):
        arrange(**parts)
    parts["output"].mkdir()
    _write_difficulty(parts["ground_truth"] / "wider_hard_val.mat", 1)
    with pytest.raises(ValueError, match="output is there already"):
        arrange(**parts)
