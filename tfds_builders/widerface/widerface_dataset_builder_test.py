"""The WIDER FACE builder on a made-up copy in the official layout."""

import io
import shutil

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
from made_up_widerface import FIRST

from safefakes_tf import faces

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


def _records(builder, split):
    records = {}
    for record in builder.as_dataset(split=split).as_numpy_iterator():
        faces.validate(record)
        records[record[faces.FILENAME].decode().rsplit("_", 1)[1]] = record
    return records


def test_all_splits_and_attributes(build, raw):
    builder = build()
    assert builder.name == "widerface"
    counts = builder.info.metadata["counts"]
    assert counts["train"] == {"photos": 3, "faces": 3}
    assert counts["validation"] == {"photos": 2, "faces": 4}
    assert counts["test"] == {"photos": 1, "faces": 0}
    record = _records(builder, "train")["1.jpg"]
    assert record[faces.IMAGE].shape == (48, 64, 3)
    np.testing.assert_allclose(
        record[faces.BBOX],
        np.float32([[8 / 48, 4 / 64, 20 / 48, 20 / 64], [0, 0, 1, 1]]),
    )
    np.testing.assert_array_equal(
        record[faces.BBOX_PIXELS], [[4, 8, 16, 12], [0, 0, 64, 48]]
    )
    assert [
        record[f"faces/{name}"][0] for name in ("blur", "expression", "illumination")
    ] == [2, 1, 1]
    assert [record[faces.OCCLUSION][0], record[faces.POSE][0]] == [2, 1]
    np.testing.assert_array_equal(record[faces.INVALID], [True, False])
    assert not record[faces.HARD].any()


def test_the_file_bytes_are_untouched(build, raw):
    dataset = build().as_dataset(
        split="train", decoders={"image": tfds.decode.SkipDecoding()}
    )
    stored = {
        r[faces.FILENAME].decode(): r[faces.IMAGE] for r in dataset.as_numpy_iterator()
    }
    assert stored[FIRST.split("images/")[1]] == (raw / FIRST).read_bytes()


def test_traps_of_the_text_files(build):
    builder = build()
    train, validation = _records(builder, "train"), _records(builder, "validation")
    assert len(train["452.jpg"][faces.BBOX]) == 0
    np.testing.assert_array_equal(
        validation["275.jpg"][faces.BBOX_PIXELS], [[0, 0, 0, 0]]
    )
    assert train["1.jpg"][faces.FILENAME].startswith(b"0--Parade/")
    assert train["1.jpg"] is not train["452.jpg"]


def test_degenerate_boxes_are_kept_in_pixels_and_clamped_in_relative_form(build):
    record = _records(build(), "validation")["7.jpg"]
    np.testing.assert_array_equal(
        record[faces.BBOX_PIXELS], [[-3, -4, 10, 10], [5, 6, -2, 4], [8, 8, 30, 30]]
    )
    np.testing.assert_allclose(
        record[faces.BBOX],
        np.float32(
            [
                [0, 0, 6 / 48, 7 / 64],
                [6 / 48, 5 / 64, 10 / 48, 5 / 64],
                [8 / 48, 8 / 64, 38 / 48, 38 / 64],
            ]
        ),
    )


def test_difficulties_are_matched_by_event_and_name(build):
    builder = build()
    assert builder.difficulties
    records = _records(builder, "validation")
    np.testing.assert_array_equal(records["7.jpg"][faces.EASY], [False, False, True])
    np.testing.assert_array_equal(records["7.jpg"][faces.HARD], [True, False, True])
    np.testing.assert_array_equal(records["275.jpg"][faces.MEDIUM], [False])
    np.testing.assert_array_equal(records["275.jpg"][faces.HARD], [True])


def test_without_lists_of_difficulties_all_faces_of_the_validation_count(
    raw, build, caplog
):
    for path in (raw / "wider_face_split").glob("*.mat"):
        path.unlink()
    builder = build()
    assert "all faces of the validation count" in caplog.text
    assert not builder.difficulties
    for split, count in (("train", False), ("validation", True)):
        for record in _records(builder, split).values():
            for key in (faces.EASY, faces.MEDIUM, faces.HARD):
                assert (record[key] == count).all()


def test_a_partial_copy_is_accepted_if_allowed(raw, build):
    (raw / FIRST).unlink()
    shutil.rmtree(raw / "WIDER_test")
    (raw / "wider_face_split" / "wider_face_val_bbx_gt.txt").unlink()
    builder = build(allow_partial=True)
    assert list(builder.info.splits) == ["train"]
    assert set(_records(builder, "train")) == {"452.jpg", "1.jpg"}
    assert builder.builder_config.name != "source"


def test_odd_photos_come_out_as_rgb(raw, build):
    (raw / FIRST).write_bytes(_encoded("TIFF", "RGB"))
    other = raw / "WIDER_train/images/0--Parade/0_Parade_Parade_0_452.jpg"
    other.write_bytes(_encoded("JPEG", "CMYK"))
    records = _records(build(), "train")
    assert {record[faces.IMAGE].shape for record in records.values()} == {(48, 64, 3)}


def _encoded(image_format, mode):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (64, 48), (200, 90, 30)).convert(mode).save(
        buffer, image_format
    )
    return buffer.getvalue()
