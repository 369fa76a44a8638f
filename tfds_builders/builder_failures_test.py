"""Builds that fail or were killed, builds of others, and data sets that are broken."""

import errno
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from toy_faces import NUM_PHOTOS, ToyFaces, records_of, toy

from safefakes_tf import locks
from safefakes_tf.config import WEIGHTS, AnonymizationConfig
from tfds_builders import registry

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


def test_an_undecodable_photo_leaves_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyFaces, "broken", True)
    builder = toy(tmp_path, anonymizer="blur")
    with pytest.raises(ValueError, match=r"photo train/0.jpg does not decode"):
        builder.prepare()
    assert not list(tmp_path.rglob("*.tfrecord*"))
    assert not builder.data_path.exists()
    assert not builder.source_builder().data_path.exists()


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "x; No space left on device"),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_no_data_set(tmp_path, monkeypatch, full):
    def write(*_):
        raise full

    monkeypatch.setattr(tf.io.TFRecordWriter, "write", write)
    builder = toy(tmp_path)
    with pytest.raises(ValueError, match=r"^no space left in [^\n]*$"):
        builder.prepare()
    assert not builder.data_path.exists()
    assert not list(tmp_path.rglob("incomplete*"))
    monkeypatch.undo()
    toy(tmp_path).prepare()
    assert len(records_of(toy(tmp_path))) == NUM_PHOTOS


class Stopped(BaseException):
    """As if the process had been killed."""


def test_a_killed_build_of_source_photos_is_begun_anew(tmp_path, monkeypatch):
    """Whatever was written, and nobody tidies up."""
    toy(tmp_path / "whole").prepare()
    write = tf.io.TFRecordWriter.write

    def stop_at_the_second_split(writer, record):
        write(writer, record)
        if list(tmp_path.glob("killed/*/*/*/*validation*")):
            raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(tf.io.TFRecordWriter, "write", stop_at_the_second_split)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(tf.io.gfile, "rmtree", lambda *_: None)
        toy(tmp_path / "killed").prepare()
    killed = toy(tmp_path / "killed")
    (leftover,) = killed.data_path.parent.glob("incomplete.*")
    assert list(leftover.glob("*train*"))
    assert not killed.data_path.exists()
    killed.prepare()
    assert not leftover.exists()
    whole = toy(tmp_path / "whole").data_path
    for path in whole.iterdir():
        assert path.read_bytes() == (killed.data_path / path.name).read_bytes()


def test_a_prepared_data_set_is_not_built_again(tmp_path, monkeypatch):
    toy(tmp_path).prepare()
    monkeypatch.setattr(ToyFaces, "broken", True)
    builder = toy(tmp_path)
    builder.prepare()
    assert len(records_of(builder)) == NUM_PHOTOS


def test_a_process_that_waited_takes_what_the_other_built(tmp_path, monkeypatch):
    late = toy(tmp_path)
    lock = locks.alone_in

    def finish_first(*arguments):
        monkeypatch.setattr(locks, "alone_in", lock)
        toy(tmp_path).prepare()
        return lock(*arguments)

    monkeypatch.setattr(locks, "alone_in", finish_first)
    late.prepare()
    assert len(records_of(late)) == NUM_PHOTOS


def test_a_build_is_told_of_the_one_that_is_on(tmp_path):
    builder = toy(tmp_path)
    builder.data_path.parent.mkdir(parents=True)
    with (
        locks.alone_in(builder.data_path.parent),
        pytest.raises(
            ValueError, match=rf"^process {os.getpid()} \([^\n]* --data_dir$"
        ),
    ):
        registry.prepare(builder, wait=False)
    builder.prepare()
    with locks.alone_in(builder.data_path.parent):  # what is built is not waited for
        registry.prepare(toy(tmp_path), wait=False)


def test_a_builder_that_was_made_before_the_build_reads_it(tmp_path):
    early = toy(tmp_path)
    toy(tmp_path).prepare()
    registry.prepare(early)
    assert early.info.metadata["counts"]["train"]["photos"] == NUM_PHOTOS
    assert len(records_of(early)) == NUM_PHOTOS


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of data sets with one in it."""
    folder = tmp_path_factory.mktemp("built")
    toy(folder).prepare()
    return folder


def _changed(**changes):
    def change(path):
        path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))

    return change


def _write(content):
    return lambda path: path.write_bytes(content)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


RECORDS = "toy_faces-train.tfrecord-00000-of-00001"


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(("dataset_info.json", _write(c)) for c in (b"", b"{", b"[]", b"\xff", b"3")),
        ("dataset_info.json", _write(b'{"a":' * 10**5)),
        ("dataset_info.json", _write(b'{"version": "9.0.0"}')),
        ("dataset_info.json", _write(b'{"version": "1.0.0", "splits": 5}')),
        ("dataset_info.json", _changed(splits=[])),
        ("dataset_info.json", _cut),
        ("dataset_info.json", pathlib.Path.unlink),
        *(("metadata.json", _write(c)) for c in (b"", b"{", b"[]", b"\xff", b"null")),
        ("metadata.json", _write(b'{"a":' * 10**5)),
        ("metadata.json", _changed(counts=[])),
        ("metadata.json", _changed(counts={"train": []})),
        ("metadata.json", _changed(counts={"train": {"photos": "7"}})),
        ("metadata.json", _changed(code_version=None)),
        ("metadata.json", pathlib.Path.unlink),
        (RECORDS, _cut),
        (RECORDS, _write(b"")),
        (RECORDS, pathlib.Path.unlink),
    ],
)
def test_a_broken_data_set_is_one_line(built, tmp_path, name, damage):
    shutil.copytree(built, tmp_path / "data")
    folder = toy(tmp_path / "data").data_path
    damage(folder / name)
    advice = r"is broken \([^\n]*\); remove that folder [^\n]*$"
    with pytest.raises(ValueError, match=rf"^the data set in {folder} {advice}"):
        toy(tmp_path / "data").prepare()
    shutil.rmtree(folder)
    toy(tmp_path / "data")


def test_a_record_that_was_damaged_is_not_read(tmp_path):
    builder = toy(tmp_path)
    builder.prepare()
    (path,) = builder.data_path.glob("*train*record*")
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        builder.numbered("train").read(tf.constant(NUM_PHOTOS - 1, tf.int64))


def test_weights_that_were_replaced_since_the_naming_are_refused(tmp_path):
    weights = tmp_path / "weights.npz"
    shutil.copy(WEIGHTS / "sun2018_crowd.npz", weights)
    options = AnonymizationConfig(weights=str(weights))
    builder = toy(tmp_path, anonymizer="sun2018", anonymization=options)
    with np.load(weights) as file:
        arrays = dict(file)
    np.savez_compressed(weights, **arrays)
    with pytest.raises(ValueError, match=r"weights.npz were replaced since the start"):
        builder.prepare()
    assert not builder.data_path.exists()


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path):
    file = tmp_path / "data"
    file.touch()
    message = rf"^data sets need a folder, and {file} is a file; [^\n]*--data_dir$"
    for folder in (file, file / "deeper"):
        with pytest.raises(ValueError, match=message):
            toy(folder, anonymizer="blur").prepare()
