"""Raw files of WIDER FACE: where they are found, unpacked, downloaded, told apart."""

import shutil

import made_up_widerface
import pytest
import tensorflow_datasets as tfds
from made_up_widerface import FIRST, PARADE
from tensorflow_datasets.core.download import extractor

from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders
from tfds_builders.widerface import raw_files

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


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
    made_up_widerface.into_zips(raw)
    assert build().info.splits.total_num_examples == 6


def test_what_a_kill_left_half_unpacked_is_removed(raw, build, tmp_path, monkeypatch):
    made_up_widerface.into_zips(raw)
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


def test_the_digest_of_raw_files_is_that_of_their_content(raw, tmp_path):
    digest = raw_files.digest(raw)
    assert digest == raw_files.digest(shutil.copytree(raw, tmp_path / "copy"))
    (raw / "WIDER_val" / "images" / PARADE / ".DS_Store").touch()
    (raw / "wider_face_split" / "readme.txt").touch()
    (raw / "another_data_set").mkdir()
    (raw / "another_data_set" / "photo.jpg").touch()
    assert raw_files.digest(raw) == digest
    made_up_widerface.into_zips(raw)
    assert raw_files.digest(raw) == digest
    (tmp_path / "empty").mkdir()
    assert raw_files.digest(tmp_path / "empty") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: (raw / FIRST).unlink(),
        lambda raw: (raw / FIRST).write_bytes(b"another photo"),
        lambda raw: (raw / FIRST).rename((raw / FIRST).with_name("new.jpg")),
        lambda raw: made_up_widerface.write_mat(
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
