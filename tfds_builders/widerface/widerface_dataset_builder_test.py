"""The WIDER FACE builder on a made-up copy in the official layout."""

import io
import shutil
import zipfile

import numpy as np
import PIL.Image
import pytest
import scipy.io
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import extractor

from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders
from tfds_builders.widerface import raw_files

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

PARADE, CAR = "0--Parade", "59--people--driving--car"
# Rows are x y width height blur expression illumination invalid occlusion pose.
TEXTS = {
    "wider_face_train_bbx_gt.txt": [
        (
            f"{PARADE}/0_Parade_Parade_0_1.jpg",
            2,
            ["4 8 16 12 2 1 1 1 2 1", "0 0 64 48 0 0 0 0 0 0"],
        ),
        (f"{PARADE}/0_Parade_Parade_0_452.jpg", 0, ["0 0 0 0 0 0 0 0 0 0"]),
        (f"{CAR}/59_people_driving_car_1.jpg", 1, ["60 40 9 20 1 0 0 0 1 0"]),
    ],
    "wider_face_val_bbx_gt.txt": [
        (f"{PARADE}/0_Parade_Parade_0_275.jpg", 1, ["0 0 0 0 0 0 0 0 0 0"]),
        (
            f"{CAR}/59_people_driving_car_7.jpg",
            3,
            [
                "-3 -4 10 10 0 0 0 0 0 0",
                "5 6 -2 4 0 0 0 0 0 0",
                "8 8 30 30 0 0 0 0 0 0",
            ],
        ),
    ],
}
TEST_NAMES = [f"{PARADE}/0_Parade_Parade_0_9.jpg"]
COUNTING = {"easy": ([], [3]), "medium": ([], [3]), "hard": ([1], [1, 3])}  # 1-based
FIRST = "WIDER_train/images/0--Parade/0_Parade_Parade_0_1.jpg"


def _write_photo(path, size=(64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def _cell(items):
    cells = np.empty((len(items), 1), object)
    cells[:, 0] = items
    return cells


def _write_mat(path, counting):
    names = [name for name, _, _ in TEXTS["wider_face_val_bbx_gt.txt"]]
    events, stems = zip(
        *(name.removesuffix(".jpg").split("/") for name in names), strict=True
    )
    scipy.io.savemat(
        path,
        {
            "event_list": _cell(list(events)),
            "file_list": _cell([_cell([stem]) for stem in stems]),
            "gt_list": _cell(
                [_cell([np.uint8(rows).reshape(-1, 1)]) for rows in counting]
            ),
        },
    )


def write_copy(folder):
    """Write a made-up copy of WIDER FACE in the official layout, and return where."""
    split = folder / "wider_face_split"
    split.mkdir(parents=True)
    for text, photos in TEXTS.items():
        part = text.split("_")[2]
        lines = []
        for name, count, rows in photos:
            _write_photo(folder / f"WIDER_{part}" / "images" / name)
            lines += [name, str(count), *(row + " " for row in rows)]
        (split / text).write_text("\n".join(lines) + "\n")
    (split / "wider_face_test_filelist.txt").write_text("\n".join(TEST_NAMES))
    for name in TEST_NAMES:
        _write_photo(folder / "WIDER_test" / "images" / name)
    for difficulty, counting in COUNTING.items():
        _write_mat(split / f"wider_{difficulty}_val.mat", counting)
    return folder


@pytest.fixture
def raw(tmp_path):
    return write_copy(tmp_path / "raw")


@pytest.fixture
def build(tmp_path, raw):
    """A function: prepares the source photos of `raw`, and returns the builder."""

    def prepare(**options):
        builder = _builder(tmp_path, raw, **options)
        builder.prepare()
        return builder

    return prepare


def _builder(tmp_path, raw, **options):
    options = {"anonymizer": "source", "dataset": "widerface", **options}
    data = DataConfig(data_dir=str(tmp_path / "data"), manual_dir=str(raw), **options)
    return builders.create_builder(data, seed=0)


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


@pytest.mark.parametrize("place", ["", "eval_tools/ground_truth"])
def test_mat_files_are_found_in_every_place(raw, build, place):
    (raw / place).mkdir(parents=True, exist_ok=True)
    for path in (raw / "wider_face_split").glob("*.mat"):
        path.rename(raw / place / path.name)
    assert build().info.splits["validation"].num_examples == 2


def test_zips_do_as_well(raw, build):
    (raw / "eval_tools" / "ground_truth").mkdir(parents=True)
    for path in (raw / "wider_face_split").glob("*.mat"):
        path.rename(raw / "eval_tools" / "ground_truth" / path.name)
    _zip(raw)
    assert build().info.splits.total_num_examples == 6


def test_what_a_kill_left_half_unpacked_is_removed(raw, build, tmp_path, monkeypatch):
    _zip(raw)
    downloads = tmp_path / "data" / "downloads"
    others = downloads / "extracted" / f"incomplete.{'0' * 32}_ZIP.others.zip"
    download = downloads / "widerface" / f"ucexport{'0' * 9}.tmp.{'0' * 32}"
    with monkeypatch.context() as patch:
        # TFDS tidies up neither after a kill nor after an error.
        patch.setattr(extractor, "_copy", None)
        with pytest.raises(extractor.ExtractError):
            build()
    assert list(downloads.glob("extracted/incomplete*"))
    for folder in (others, download):
        folder.mkdir(parents=True)
    assert build().info.splits.total_num_examples == 6
    assert list(downloads.glob("extracted/incomplete*")) == [others]
    assert not download.exists()


def test_a_partial_copy_is_refused_with_the_count_of_missing_files(raw, build):
    (raw / FIRST).unlink()
    shutil.rmtree(raw / "WIDER_test")
    with pytest.raises(
        ValueError, match=rf"^2 of 6 photos .* missing, e\.g\. {FIRST}[^\n]*$"
    ):
        build()


def test_a_partial_copy_is_accepted_if_allowed(raw, build):
    (raw / FIRST).unlink()
    shutil.rmtree(raw / "WIDER_test")
    (raw / "wider_face_split" / "wider_face_val_bbx_gt.txt").unlink()
    builder = build(allow_partial=True)
    assert list(builder.info.splits) == ["train"]
    assert set(_records(builder, "train")) == {"452.jpg", "1.jpg"}
    assert builder.builder_config.name != "source"


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
    builder = _builder(tmp_path, tmp_path / "nowhere")
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


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_mat_file_is_one_line(raw, build, share):
    path = raw / "wider_face_split" / "wider_easy_val.mat"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        ValueError, match=r"^\S*wider_easy_val\.mat is not the file of [^\n]*$"
    ):
        build()


def test_a_truncated_zip_is_one_line(raw, build):
    (raw / "WIDER_val").rename(raw / "elsewhere")
    (raw / "WIDER_val.zip").write_bytes(b"PK\3\4 and no end")
    with pytest.raises(ValueError, match=r"^\S*/WIDER_val\.zip is no zip[^\n]*$"):
        build()


def _zip(raw):
    for folder in list(raw.iterdir()):
        with zipfile.ZipFile(raw / f"{folder.name}.zip", "w") as archive:
            for path in folder.rglob("*.*"):
                archive.write(path, path.relative_to(raw))
        shutil.rmtree(folder)


def test_the_digest_of_raw_files_is_that_of_their_content(raw, tmp_path):
    digest = raw_files.digest(raw)
    assert digest == raw_files.digest(shutil.copytree(raw, tmp_path / "copy"))
    (raw / "WIDER_val" / "images" / PARADE / ".DS_Store").touch()
    (raw / "wider_face_split" / "readme.txt").touch()
    (raw / "another_data_set").mkdir()
    (raw / "another_data_set" / "photo.jpg").touch()
    assert raw_files.digest(raw) == digest
    _zip(raw)
    assert raw_files.digest(raw) == digest
    (tmp_path / "empty").mkdir()
    assert raw_files.digest(tmp_path / "empty") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: (raw / FIRST).unlink(),
        lambda raw: (raw / FIRST).write_bytes(b"another photo"),
        lambda raw: (raw / FIRST).rename((raw / FIRST).with_name("new.jpg")),
        lambda raw: _write_mat(
            raw / "wider_face_split" / "wider_easy_val.mat", ([1], [3])
        ),
        lambda raw: (raw / "wider_face_split" / "wider_face_val_bbx_gt.txt").unlink(),
    ],
)
def test_another_copy_has_another_digest(raw, change):
    digest = raw_files.digest(raw)
    change(raw)
    assert raw_files.digest(raw) != digest


def test_another_copy_is_refused_once_the_data_set_is_there(raw, build, tmp_path):
    build()
    (raw / FIRST).unlink()
    with pytest.raises(ValueError, match=r"^[^\n]*was built from other photos[^\n]*$"):
        build()
    shutil.rmtree(raw)
    build()


def test_a_mat_file_of_another_kind_is_named(raw, build):
    scipy.io.savemat(raw / "wider_face_split" / "wider_easy_val.mat", {"other": 1})
    shutil.copy(raw / "wider_face_split" / "wider_easy_val.mat", raw)
    with pytest.raises(ValueError, match=r"wider_easy_val\.mat is not the file of"):
        build()


def test_a_mat_file_that_counts_unknown_faces_is_refused(raw, build):
    _write_mat(raw / "wider_face_split" / "wider_hard_val.mat", ([2], []))
    with pytest.raises(
        ValueError, match=r"wider_hard_val\.mat and .* disagree on 0--Parade"
    ):
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


def test_without_a_manual_folder_the_photos_are_downloaded(raw, tmp_path, monkeypatch):
    manual = tmp_path / "data" / "downloads" / "manual"
    manual.mkdir(parents=True)
    for path in (raw / "wider_face_split").glob("*.mat"):
        path.rename(manual / path.name)
    asked = {}

    def download(self, urls):
        asked.update(urls)
        return dict.fromkeys(urls, raw)

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", download)
    data = DataConfig(data_dir=str(tmp_path / "data"), dataset="widerface")
    builder = builders.create_source_builder(data)
    builder.prepare()
    assert builder.info.splits.total_num_examples == 6
    assert asked == raw_files.URLS


@pytest.mark.parametrize(
    "error", [OSError("no\nnetwork"), tfds.download.DownloadError("status 404")]
)
def test_a_download_that_fails_is_one_line(error, tmp_path, monkeypatch):
    def download(self, urls):
        raise error

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", download)
    data = DataConfig(data_dir=str(tmp_path), dataset="widerface")
    message = r"^WIDER FACE cannot .*(no|404).* WIDER_val\.zip, .* --manual_dir$"
    with pytest.raises(ValueError, match=message):
        builders.create_source_builder(data).prepare()
    assert not list(tmp_path.glob("widerface/*/incomplete*"))


def test_every_download_has_a_checksum():
    builder = tfds.builder_cls("widerface")
    assert set(builder.url_infos) == set(raw_files.URLS.values())


def test_archives_unpacked_into_folders_of_their_names(tmp_path):
    for part in ("WIDER_train", "WIDER_val", "wider_face_split"):
        (tmp_path / part / part / "images").mkdir(parents=True)
    emptied = tmp_path / "WIDER_test"
    (emptied / "WIDER_test").mkdir(parents=True)
    (emptied / "images").mkdir()
    found = raw_files.find(None, str(tmp_path))
    assert found.photos["test"] == emptied / "images"
    assert found.photos["train"] == tmp_path / "WIDER_train/WIDER_train/images"
    assert found.annotations == tmp_path / "wider_face_split/wider_face_split"
