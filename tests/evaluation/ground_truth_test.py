"""Reading and building the ground truth."""

import pathlib
import shutil

import numpy as np
import pytest
import scipy.io

from safefakes_tf.evaluation import ground_truth, wider_face
from safefakes_tf.photos.box_files import wider

BOXES = np.array([[1, 2, 30, 40], [5, 5, 10, 10]], np.int32)
YES, NO = np.ones(2, bool), np.zeros(2, bool)


@pytest.fixture
def mat_folder(golden_path, tmp_path):
    """A writable copy of the made-up annotation files."""
    for path in pathlib.Path(golden_path("wider_mini_gt")).glob("*.mat"):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def rewrite(path, change):
    content = scipy.io.loadmat(path)
    change(content)
    scipy.io.savemat(
        path, {key: value for key, value in content.items() if key[:2] != "__"}
    )


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("0--Parade/photo_1.jpg", "0--Parade/photo_1"),
        (b"0--Parade/photo_1.jpg", "0--Parade/photo_1"),
        ("crowd.000001.png", "all/crowd.000001"),
        ("a/b/c.jpg", "a/b/c"),
    ],
)
def test_image_name(filename, name):
    assert ground_truth.image_name(filename) == name


@pytest.mark.parametrize(
    "filename", ["", "/photo.jpg", "../photo.jpg", "a/../../b.jpg"]
)
def test_image_name_stays_inside_the_folder(filename):
    with pytest.raises(ValueError, match="inside the data set"):
        ground_truth.image_name(filename)


def test_from_records():
    truth = ground_truth.from_records(
        [
            ("a/1.jpg", BOXES, NO, NO, YES),
            ("2.jpg", np.zeros([0, 4]), [], [], []),
            (b"a/3.jpg", BOXES[:1].astype(np.int64), NO[:1], YES[:1], YES[:1]),
        ]
    )
    assert truth.names == ("a/1", "all/2", "a/3")
    np.testing.assert_array_equal(truth.num_boxes, [2, 0, 1])
    np.testing.assert_array_equal(truth.starts, [0, 2, 2, 3])
    np.testing.assert_array_equal(truth.boxes, BOXES[[0, 1, 0]])
    assert truth.boxes.dtype == np.int32
    np.testing.assert_array_equal(truth.num_faces, [0, 1, 3])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (("1.jpg", BOXES / 100, NO, NO, NO), "boxes of all/1 must be whole pixels"),
        (("1.jpg", BOXES[:, :3], NO, NO, NO), r"int32 \[N, 4\]; got int32 \[2, 3\]"),
        (("1.jpg", BOXES, NO[:1], NO[:1], NO[:1]), r"must be bool \[2\] each"),
        (("1.jpg", BOXES, [1, 0], [1, 0], [1, 1]), r"must be bool \[2\] each"),
    ],
)
def test_from_records_refuses(record, message):
    with pytest.raises(ValueError, match=message):
        ground_truth.from_records([record])


def test_from_records_refuses_a_name_twice():
    record = BOXES, NO, NO, NO
    with pytest.raises(ValueError, match="a/1 comes twice"):
        ground_truth.from_records([("a/1.jpg", *record), ("a/1.png", *record)])


def test_load(mat_folder):
    truth = ground_truth.load(mat_folder)
    assert len(truth.names) == len(truth.num_boxes)
    assert truth.num_boxes.sum() == len(truth.boxes) == truth.counting.shape[1]
    assert 0 in truth.num_boxes
    assert all(name.count("/") == 1 for name in truth.names)
    easy, medium, hard = truth.counting
    assert not (easy & ~medium).any() and not (medium & ~hard).any()


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere does not exist; .*eval_tools\.zip"):
        ground_truth.load(tmp_path / "nowhere")


@pytest.mark.parametrize("which", ["face", *wider.DIFFICULTIES])
def test_missing_file(mat_folder, which):
    name = f"wider_{which}_val.mat"
    (mat_folder / name).unlink()
    with pytest.raises(ValueError, match=f"{name} is missing in .*eval_tools"):
        ground_truth.load(mat_folder)


@pytest.mark.parametrize("keep", [0, 100, 400])
def test_damaged_file(mat_folder, keep):
    path = mat_folder / "wider_easy_val.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"wider_easy_val\.mat is not"):
        ground_truth.load(mat_folder)


def test_file_without_its_variable(mat_folder):
    path = mat_folder / "wider_medium_val.mat"
    rewrite(path, lambda content: content.pop("gt_list"))
    with pytest.raises(ValueError, match=r"must hold the cell array gt_list; it holds"):
        ground_truth.load(mat_folder)


def test_files_of_different_sets(mat_folder):
    def rename(content):
        content["event_list"][0, 0] = np.array(["other event"])

    rewrite(mat_folder / "wider_hard_val.mat", rename)
    with pytest.raises(ValueError, match="lists other images than wider_face_val"):
        ground_truth.load(mat_folder)


@pytest.mark.parametrize("number", [0, 1000])
def test_box_number_out_of_range(mat_folder, number):
    def point_nowhere(content):
        content["gt_list"][0, 0][0, 0] = np.array([[number]], np.uint16)

    rewrite(mat_folder / "wider_hard_val.mat", point_nowhere)
    with pytest.raises(ValueError, match=f"from 1; got {number} to {number}"):
        ground_truth.load(mat_folder)


def test_without_difficulties_all_faces_count():
    records = [("a/1.jpg", BOXES), ("a/2.jpg", np.zeros([0, 4], np.int32))]
    truth = ground_truth.from_records(records, difficulties=())
    assert truth.difficulties == ("all",)
    np.testing.assert_array_equal(truth.num_faces, [2])
    found = wider_face.Predictions.from_arrays(
        [np.column_stack([BOXES, [0.9, 0.8]]), np.zeros([0, 5])]
    )
    result = wider_face.evaluate(truth, found)
    assert result.ap == {"all": pytest.approx(1)} and result.mean_ap == result.ap["all"]


def test_boxes_alone_do(mat_folder, caplog):
    with_lists = ground_truth.load(mat_folder)
    for difficulty in wider.DIFFICULTIES:
        (mat_folder / f"wider_{difficulty}_val.mat").unlink()
    truth = ground_truth.load(mat_folder)
    assert "all faces count" in caplog.text
    assert (truth.names, truth.difficulties) == (with_lists.names, ("all",))
    np.testing.assert_array_equal(truth.boxes, with_lists.boxes)
    assert truth.counting.all()


def write_text(truth, folder):
    """Write boxes as `wider_face_val_bbx_gt.txt`, and return the path."""
    lines = []
    for name, first, last in zip(
        truth.names, truth.starts[:-1], truth.starts[1:], strict=True
    ):
        rows = truth.boxes[first:last] if last > first else np.zeros([1, 4], int)
        lines += [f"{name}.jpg", str(last - first)]
        lines += [" ".join(map(str, row)) + " 0 0 0 0 0 0" for row in rows]
    path = folder / "wider_face_val_bbx_gt.txt"
    path.write_text("\n".join(lines))
    return path


def test_the_text_says_the_same(mat_folder):
    truth = ground_truth.load(mat_folder)
    path = write_text(truth, mat_folder)
    (mat_folder / "wider_face_val.mat").unlink()
    for place in (mat_folder, path):
        again = ground_truth.load(place)
        assert (again.names, again.difficulties) == (truth.names, wider.DIFFICULTIES)
        np.testing.assert_array_equal(again.boxes, truth.boxes)
        np.testing.assert_array_equal(again.counting, truth.counting)
