"""Copies of WIDER FACE that are not whole, or hold broken files: one line each."""

import shutil

import made_up_widerface
import PIL.Image
import pytest
import scipy.io
from made_up_widerface import FIRST, TEST_NAMES

from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


def test_a_partial_copy_is_refused_with_the_count_of_missing_files(raw, build):
    (raw / FIRST).unlink()
    shutil.rmtree(raw / "WIDER_test")
    with pytest.raises(
        ValueError, match=rf"^2 of 6 photos .* missing, e\.g\. {FIRST}[^\n]*$"
    ):
        build()


def test_a_missing_text_file_is_named(raw, build):
    (raw / "wider_face_split" / "wider_face_train_bbx_gt.txt").unlink()
    with pytest.raises(
        ValueError, match=r"wider_face_train_bbx_gt\.txt is missing[^\n]*$"
    ):
        build()


def test_a_copy_without_a_single_photo_is_refused(raw, build):
    for part in ("train", "val", "test"):
        shutil.rmtree(raw / f"WIDER_{part}")
    with pytest.raises(ValueError, match="none of the photos"):
        build(allow_partial=True)


def test_a_missing_folder_is_one_line(tmp_path):
    data_dir, manual_dir = str(tmp_path / "data"), str(tmp_path / "nowhere")
    data = DataConfig("widerface", data_dir=data_dir, manual_dir=manual_dir)
    builder = builders.create_source_builder(data)
    with pytest.raises(ValueError, match=r"^there is no folder .*nowhere; [^\n]*$"):
        builder.prepare()


def test_a_missing_mat_file_is_one_line(raw, build):
    (raw / "wider_face_split" / "wider_medium_val.mat").unlink()
    with pytest.raises(ValueError, match=r"^wider_medium_val\.mat is not in [^\n]*$"):
        build()


def test_missing_annotations_are_one_line(raw, build):
    for path in (raw / "wider_face_split").glob("*.mat"):
        path.rename(raw / path.name)
    shutil.rmtree(raw / "wider_face_split")
    with pytest.raises(ValueError, match=r"^wider_face_split is not in [^\n]*$"):
        build()


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a/b.jpg\n2\n1 2 3 4 0 0 0 0 0 0 \n", 4, "10 whole numbers"),
        ("a/b.jpg\n", 2, "the number of faces"),
        ("a/b.jpg\n1\n1 2 3 4 0 0 0", 3, "10 whole numbers"),
        ("a/b.jpg\n1\n1 2 3 x 0 0 0 0 0 0\n", 3, "10 whole numbers"),
        ("a/b.jpg\n1\n1 2 3 4 3 0 0 0 0 0\n", 3, "class labels"),
        ("a/b.jpg\n0\na/c.jpg\n0\n", 3, "10 whole numbers"),
        ("3\n1 2 3 4 0 0 0 0 0 0\n", 1, "event/name"),
        ("a/b.jpg\n²\n", 2, "the number of faces"),
        ("a/b.jpg\n1\n1 2 3 2147483648 0 0 0 0 0 0\n", 3, "32 bits"),
        ("a/b.jpg\n1\n-2147483649 2 3 4 0 0 0 0 0 0\n", 3, "32 bits"),
        ("a/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n\na/b.jpg\n", 5, "once, and .* in line 1"),
        ("a/b.jpg\n0\n1 2 3 4 0 0 0 0 0 0\n", 3, "zeros"),
        ("0--P/../../../b.jpg\n", 1, "inside the folder"),
        ("/etc/b.jpg\n", 1, "inside the folder"),
        ("a/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\na/c\xff.jpg\n1\n", 4, "UTF-8 text; got"),
    ],
)
def test_a_truncated_annotation_is_an_error_with_its_line(
    raw, build, text, line, expected
):
    path = raw / "wider_face_split" / "wider_face_val_bbx_gt.txt"
    path.write_text(text, encoding="latin-1" if "\xff" in text else "utf-8")
    name = r"wider_face_val_bbx_gt\.txt"
    pattern = rf"^\S*{name}, line {line}: expected .*{expected}[^\n]*$"
    with pytest.raises(ValueError, match=pattern):
        build()


def test_a_photo_listed_twice_for_the_test_is_an_error_with_its_line(raw, build):
    path = raw / "wider_face_split" / "wider_face_test_filelist.txt"
    path.write_text("\n".join(["", *TEST_NAMES, "", *TEST_NAMES]))
    with pytest.raises(
        ValueError, match=r"filelist\.txt, line 4: .* is in line 2; got"
    ):
        build()


@pytest.mark.parametrize("name", ["0--P/../../../b.jpg", "/etc/b.jpg"])
def test_a_photo_of_the_test_that_lies_elsewhere_is_an_error(raw, build, name):
    path = raw / "wider_face_split" / "wider_face_test_filelist.txt"
    path.write_text("\n".join([*TEST_NAMES, name]))
    with pytest.raises(
        ValueError, match=r"filelist\.txt, line 2: .* inside the folder"
    ):
        build(allow_partial=True)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_mat_file_is_one_line(raw, build, share):
    path = raw / "wider_face_split" / "wider_easy_val.mat"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        ValueError, match=r"^\S*wider_easy_val\.mat is not the file of [^\n]*$"
    ):
        build()


def test_a_mat_file_of_another_kind_is_named(raw, build):
    scipy.io.savemat(raw / "wider_face_split" / "wider_easy_val.mat", {"other": 1})
    shutil.copy(raw / "wider_face_split" / "wider_easy_val.mat", raw)
    with pytest.raises(ValueError, match=r"wider_easy_val\.mat is not the file of"):
        build()


def test_a_mat_file_that_counts_unknown_faces_is_refused(raw, build):
    made_up_widerface.write_mat(
        raw / "wider_face_split" / "wider_hard_val.mat", ([2], [])
    )
    with pytest.raises(
        ValueError, match=r"wider_hard_val\.mat and .* disagree on 0--Parade"
    ):
        build()


def test_a_truncated_zip_is_one_line(raw, build):
    (raw / "WIDER_val").rename(raw / "elsewhere")
    (raw / "WIDER_val.zip").write_bytes(b"PK\3\4 and no end")
    with pytest.raises(ValueError, match=r"^\S*/WIDER_val\.zip is no zip[^\n]*$"):
        build()


def test_a_corrupt_photo_is_named_and_leaves_nothing(raw, build, tmp_path):
    encoded = (raw / FIRST).read_bytes()
    (raw / FIRST).write_bytes(encoded[: len(encoded) // 2])
    with pytest.raises(
        ValueError, match=r"photo .*0_Parade_Parade_0_1\.jpg does not decode"
    ):
        build(anonymizer="blackout")
    assert not list((tmp_path / "data").rglob("*.tfrecord*"))


def test_a_photo_that_is_stored_turned_is_refused(raw, build):
    """As nobody can tell whether its boxes are for it as stored or as shown."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.open(raw / FIRST).save(raw / FIRST, exif=exif)
    with pytest.raises(ValueError, match=r"0_Parade_Parade_0_1\.jpg is stored turned"):
        build(anonymizer="blackout")
