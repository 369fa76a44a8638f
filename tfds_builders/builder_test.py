"""Derived data sets: names, order, annotations, pixels, provenance, failures."""

import dataclasses
import errno
import json
import os
import pathlib
import pickle
import shutil

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces, locks
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import (
    WEIGHTS,
    AnonymizationConfig,
    DataConfig,
    names,
)
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos import stored
from tfds_builders import features, keypoint_store, registry
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import AnonymizedConfig, standard_configs

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

NUM_PHOTOS = 7


class ToyFaces(AnonymizedBuilder):
    """A few photos of noise; the last has no face, the first is one pixel large."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = standard_configs()
    create_detector = fake_keypoints.FakeDetector
    broken = False

    def face_features(self):
        return {
            faces.BLUR: features.label_feature(("clear", "normal", "heavy")),
            faces.INVALID: features.flag_feature(),
        }

    def source_examples(self, dl_manager):
        return {"train": self._records("train"), "validation": self._records("val")}

    def _records(self, split):
        generator = np.random.default_rng(len(split))
        for index in range(NUM_PHOTOS):
            name = f"{split}/{index}.jpg"
            side = 1 if index == 0 else 60 + index
            image = generator.integers(0, 256, (side, 2 * side - 1, 3), np.uint8)
            encoded = tf.io.encode_jpeg(image).numpy()
            photo = stored.check(encoded[: -20 if self.broken else None], name)
            count = 0 if index == NUM_PHOTOS - 1 else 2
            boxes = np.float32([[0.0, 0.1, 0.5, 0.4], [0.25, 0.3, 1.0, 1.0]])
            y0, x0, y1, x1 = (boxes * ([side, 2 * side - 1] * 2)).T
            pixels = np.stack([x0, y0, x1 - x0, y1 - y0], axis=-1)
            yield {
                faces.IMAGE: photo.encoded,
                faces.FILENAME: name,
                faces.BBOX: boxes[:count],
                faces.BBOX_PIXELS: np.int32(pixels)[:count],
                faces.BLUR: np.int64([2, 0])[:count],
                faces.INVALID: np.bool_([False, True])[:count],
            }


Builder = ToyFaces  # where the registry looks


def _toy(data_dir, **options):
    config = AnonymizedConfig(**options)
    listed = config.name in ToyFaces.builder_configs
    return ToyFaces(config=config.name if listed else config, data_dir=str(data_dir))


def _read(builder, split="train"):
    return list(builder.as_dataset(split=split).as_numpy_iterator())


def test_a_derived_data_set_has_the_keys_order_and_annotations_of_its_source(tmp_path):
    builder = _toy(tmp_path, anonymizer="blackout")
    builder.prepare()
    for split in ("train", "validation"):
        sources, derived = _read(builder.source_builder(), split), _read(builder, split)
        assert len(derived) == NUM_PHOTOS
        for source, record in zip(sources, derived, strict=True):
            faces.validate(source)
            faces.validate(record)
            assert set(record) - set(source) == {faces.ACTION}
            for key in set(source) - {faces.IMAGE}:
                np.testing.assert_array_equal(record[key], source[key])
                assert np.asarray(record[key]).dtype == np.asarray(source[key]).dtype


def test_records_are_read_by_their_numbers(tmp_path):
    builder = _toy(tmp_path)
    config = tfds.download.DownloadConfig(num_shards=3)
    builder.download_and_prepare(download_config=config)
    encoded, numbered = builder.encoded("train"), builder.numbered("train")
    assert numbered.element_spec == encoded.element_spec
    assert len(numbered) == len(encoded) == NUM_PHOTOS
    in_order = list(encoded.as_numpy_iterator())
    for number in (5, 0, NUM_PHOTOS - 1):
        record = numbered.read(tf.constant(number, tf.int64))
        for key, value in in_order[number].items():
            np.testing.assert_array_equal(record[key], value)


def test_a_record_that_was_damaged_is_not_read(tmp_path):
    builder = _toy(tmp_path)
    builder.prepare()
    (path,) = builder.data_path.glob("*train*record*")
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        builder.numbered("train").read(tf.constant(NUM_PHOTOS - 1, tf.int64))


@pytest.mark.parametrize("anonymizer", ["original", "blur"])
def test_stored_pixels_are_those_of_the_map_stage(tmp_path, anonymizer):
    builder = _toy(tmp_path, anonymizer=anonymizer, image_format="png")
    builder.prepare()
    stage = anonymizers.create(anonymizer, AnonymizationConfig(), seed=0)
    fly = builder.source_builder().as_dataset(split="train").map(stage)
    for record, kept in zip(fly.as_numpy_iterator(), _read(builder), strict=True):
        np.testing.assert_array_equal(record[faces.IMAGE], kept[faces.IMAGE])
        np.testing.assert_array_equal(record[faces.ACTION], kept[faces.ACTION])


def test_same_data_same_bytes(tmp_path):
    for folder in ("one", "two"):
        _toy(tmp_path / folder, anonymizer="pixelate").prepare()
    files = sorted((tmp_path / "one").rglob("*.tfrecord*"))
    assert files
    for file in files:
        twin = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert file.read_bytes() == twin.read_bytes()


def test_features_of_records_lie_in_one_order(tmp_path):
    """Else each process wrote them in another."""
    builder = _toy(tmp_path, anonymizer="blackout")
    builder.prepare()
    files = [str(path) for path in builder.data_path.glob("*.tfrecord*")]
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        example = tf.train.Example.FromString(record)
        assert record == example.SerializeToString(deterministic=True)


def test_the_order_does_not_depend_on_the_number_of_shards(tmp_path):
    names = []
    for shards in (1, 3):
        builder = _toy(tmp_path / str(shards))
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(num_shards=shards)
        )
        assert builder.info.splits["train"].num_shards == shards
        names.append([record[faces.FILENAME] for record in _read(builder)])
    assert names[0] == names[1]


def test_metadata_tell_how_the_photos_were_made(tmp_path):
    builder = _toy(tmp_path, anonymizer="blackout", jpeg_quality=80)
    builder.prepare()
    stored = json.loads((builder.data_path / "metadata.json").read_text())
    assert stored["anonymizer"] == "blackout"
    assert stored["options"]["jpeg_quality"] == 80
    assert stored["options"]["anonymization"]["min_width"] == 10
    counts = stored["counts"]["train"]
    assert counts["photos"] == NUM_PHOTOS
    assert counts["faces"] == 2 * (NUM_PHOTOS - 1)
    assert sum(counts[name] for name in faces.ACTIONS) == counts["faces"]
    assert counts["kept"] == 2  # the two faces in the photo of one pixel
    again = _toy(tmp_path, anonymizer="blackout", jpeg_quality=80)
    assert dict(again.info.metadata) == stored


def test_an_undecodable_photo_leaves_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyFaces, "broken", True)
    builder = _toy(tmp_path, anonymizer="blur")
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
    builder = _toy(tmp_path)
    with pytest.raises(ValueError, match=r"^no space left in [^\n]*$"):
        builder.prepare()
    assert not builder.data_path.exists()
    assert not list(tmp_path.rglob("incomplete*"))
    monkeypatch.undo()
    _toy(tmp_path).prepare()
    assert len(_read(_toy(tmp_path))) == NUM_PHOTOS


class Stopped(BaseException):
    """As if the process had been killed."""


def test_a_killed_build_of_source_photos_is_begun_anew(tmp_path, monkeypatch):
    """Whatever was written, and nobody tidies up."""
    _toy(tmp_path / "whole").prepare()
    write = tf.io.TFRecordWriter.write

    def stop_at_the_second_split(writer, record):
        write(writer, record)
        if list(tmp_path.glob("killed/*/*/*/*validation*")):
            raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(tf.io.TFRecordWriter, "write", stop_at_the_second_split)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(tf.io.gfile, "rmtree", lambda *_: None)
        _toy(tmp_path / "killed").prepare()
    killed = _toy(tmp_path / "killed")
    (leftover,) = killed.data_path.parent.glob("incomplete.*")
    assert list(leftover.glob("*train*"))
    assert not killed.data_path.exists()
    killed.prepare()
    assert not leftover.exists()
    whole = _toy(tmp_path / "whole").data_path
    for path in whole.iterdir():
        assert path.read_bytes() == (killed.data_path / path.name).read_bytes()


def test_a_prepared_data_set_is_not_built_again(tmp_path, monkeypatch):
    _toy(tmp_path).prepare()
    monkeypatch.setattr(ToyFaces, "broken", True)
    builder = _toy(tmp_path)
    builder.prepare()
    assert len(_read(builder)) == NUM_PHOTOS


def test_a_process_that_waited_takes_what_the_other_built(tmp_path, monkeypatch):
    late = _toy(tmp_path)
    lock = locks.alone_in

    def finish_first(*arguments):
        monkeypatch.setattr(locks, "alone_in", lock)
        _toy(tmp_path).prepare()
        return lock(*arguments)

    monkeypatch.setattr(locks, "alone_in", finish_first)
    late.prepare()
    assert len(_read(late)) == NUM_PHOTOS


def test_a_build_is_told_of_the_one_that_is_on(tmp_path):
    builder = _toy(tmp_path)
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
        registry.prepare(_toy(tmp_path), wait=False)


def test_a_builder_that_was_made_before_the_build_reads_it(tmp_path):
    early = _toy(tmp_path)
    _toy(tmp_path).prepare()
    registry.prepare(early)
    assert early.info.metadata["counts"]["train"]["photos"] == NUM_PHOTOS
    assert len(_read(early)) == NUM_PHOTOS


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of data sets with one in it."""
    folder = tmp_path_factory.mktemp("built")
    _toy(folder).prepare()
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
    folder = _toy(tmp_path / "data").data_path
    damage(folder / name)
    advice = r"is broken \([^\n]*\); remove that folder [^\n]*$"
    with pytest.raises(ValueError, match=rf"^the data set in {folder} {advice}"):
        _toy(tmp_path / "data").prepare()
    shutil.rmtree(folder)
    _toy(tmp_path / "data")


def test_weights_that_were_replaced_since_the_naming_are_refused(tmp_path):
    weights = tmp_path / "weights.npz"
    shutil.copy(WEIGHTS / "sun2018_crowd.npz", weights)
    options = AnonymizationConfig(weights=str(weights))
    builder = _toy(tmp_path, anonymizer="sun2018", anonymization=options)
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
            _toy(folder, anonymizer="blur").prepare()


def test_no_reader_waits_for_a_sleeping_tuner(tmp_path):
    builder = _toy(tmp_path)
    builder.prepare()
    for read in (builder.as_dataset, builder.encoded, builder.numbered):
        assert read(split="train").options().autotune.enabled is False


def test_a_split_that_is_not_here_is_one_line(tmp_path):
    builder = _toy(tmp_path)
    builder.prepare()
    message = r"^toy_faces has no photos of split test here; it has train, validation: "
    for read in (builder.as_dataset, builder.encoded, builder.numbered):
        with pytest.raises(ValueError, match=message + r"[^\n]*$"):
            read(split="test")
    assert len(builder.as_dataset(split="train[:2]")) == 2


class FivePoints(ToyFaces):
    """Toy faces with keypoints of a layout that no anonymizer reads."""

    KEYPOINTS = "five"

    def _records(self, split):
        for record in super()._records(split):
            count = len(record[faces.BBOX])
            record[faces.KEYPOINTS] = np.full([count, 5, 2], 0.5, np.float32)
            yield {**record, faces.HAS_KEYPOINTS: np.ones(count, bool)}


def test_keypoints_of_an_unreadable_layout_are_kept_but_others_are_searched(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(layouts.NUM_POINTS, "five", 5)
    source = FivePoints.create(AnonymizedConfig(), data_dir=str(tmp_path))
    source.prepare()
    assert (source.KEYPOINTS, source.keypoint_layout) == ("five", layouts.FOUND)
    assert _read(source)[0][faces.KEYPOINTS].shape == (2, 5, 2)
    found = next(iter(source.encoded_with_keypoints("train")))
    assert found[faces.KEYPOINTS].shape == (2, layouts.NUM_FOUND, 2)
    weights = AnonymizationConfig(weights=str(WEIGHTS / "sun2018_crowd.npz"))
    config = AnonymizedConfig(anonymizer="sun2018", anonymization=weights)
    derived = FivePoints.create(config, data_dir=str(tmp_path))
    derived.prepare()
    assert _read(derived)[0][faces.KEYPOINTS].shape == (2, layouts.NUM_FOUND, 2)


def test_a_split_that_no_copy_has_is_refused_before_anything_is_built(tmp_path):
    builder = _toy(tmp_path)
    with pytest.raises(ValueError, match=r"^toy_faces has the splits [^\n]* test is"):
        registry.prepare(builder, "test")
    assert not builder.data_path.exists()


class RawFaces(ToyFaces):
    """Toy faces that are said to come from a file."""

    def raw_digest(self, folder):
        file = folder / "photos"
        return file.read_text() if file.exists() else None


def _raw(tmp_path, anonymizer, raw_dir="raw"):
    config = AnonymizedConfig(anonymizer=anonymizer)
    raw_dir = raw_dir and str(tmp_path / raw_dir)
    return RawFaces(
        config=config.name, data_dir=str(tmp_path / "data"), manual_dir=raw_dir
    )


@pytest.fixture
def raw(tmp_path):
    """A function: writes a folder of raw photos."""

    def write(folder, content):
        folder = tmp_path / folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "photos").write_text(content)

    return write


OTHER_RAW = (
    r"^[^\n]*/data/raw_faces/{config}/1\.0\.0 was built from other photos or "
    r"annotations than those in [^\n]*/{raw}; [^\n]*, or remove [^\n]*/data/raw_faces$"
)


@pytest.mark.parametrize("anonymizer", ["source", "blur"])
def test_other_raw_photos_than_those_it_was_built_from_are_refused(
    tmp_path, raw, anonymizer
):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, anonymizer).prepare()
    _raw(tmp_path, anonymizer).prepare()
    message = OTHER_RAW.format(config=anonymizer, raw="other")
    with pytest.raises(ValueError, match=message):
        _raw(tmp_path, anonymizer, "other").prepare()
    raw("raw", "three")
    with pytest.raises(
        ValueError, match=OTHER_RAW.format(config=anonymizer, raw="raw")
    ):
        _raw(tmp_path, anonymizer).prepare()


def test_other_raw_photos_are_refused_before_anything_is_derived(tmp_path, raw):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, "source").prepare()
    derived = _raw(tmp_path, "blur", "other")
    with pytest.raises(
        ValueError, match=OTHER_RAW.format(config="source", raw="other")
    ):
        derived.prepare()
    assert not derived.data_path.exists()


def test_derived_photos_remember_the_raw_ones_without_their_source(tmp_path, raw):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, "blur").prepare()
    shutil.rmtree(tmp_path / "data" / "raw_faces" / "source")
    with pytest.raises(ValueError, match=OTHER_RAW.format(config="blur", raw="other")):
        _raw(tmp_path, "blur", "other").prepare()


def test_raw_photos_that_are_gone_are_not_missed(tmp_path, raw):
    raw("raw", "one")
    _raw(tmp_path, "blur").prepare()
    for gone in ("raw", None, "elsewhere"):
        shutil.rmtree(tmp_path / "raw", ignore_errors=True)
        _raw(tmp_path, "blur", gone).prepare()
    raw("data/downloads/manual", "two")
    message = OTHER_RAW.format(config="blur", raw="data/downloads/manual")
    with pytest.raises(ValueError, match=message):
        _raw(tmp_path, "blur", None).prepare()


class FolderDetector(fake_keypoints.FakeDetector):
    """Tells which folder of models it was given."""

    def __init__(self, models=None):
        self.models = models


def test_the_folder_of_keypoint_models_reaches_the_detector(tmp_path, monkeypatch):
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", FolderDetector)
    data = DataConfig(
        dataset="widerface",
        anonymizer="sun2018",
        data_dir=str(tmp_path),
        keypoint_models="~/models",
    )
    weights = AnonymizationConfig(weights=str(WEIGHTS / "sun2018_crowd.npz"))
    data = dataclasses.replace(data, anonymization=weights)
    builder = registry.create_builder(data, seed=0)
    plain = registry.create_builder(dataclasses.replace(data, keypoint_models=None), 0)
    assert builder.data_path == plain.data_path
    assert plain.create_detector().models is None
    asked = []
    monkeypatch.setattr(keypoint_store, "attach", lambda *args: asked.append(args))
    monkeypatch.setattr(AnonymizedBuilder, "numbered", lambda self, split: None)
    builder.source_builder().encoded_with_keypoints("validation")
    create = pickle.loads(pickle.dumps(asked[0][-1]))  # as worker processes get it
    assert create().models == str(pathlib.Path("~/models").expanduser())


def test_a_data_set_is_one_module_and_one_row(tmp_path, monkeypatch):
    monkeypatch.setitem(names.DATASETS, "toy", names.Dataset(__name__, "noise"))
    data = DataConfig(dataset="toy", anonymizer="blur", data_dir=str(tmp_path))
    builder = registry.create_builder(data, seed=0)
    registry.prepare(builder)
    assert isinstance(builder, Builder)
    assert len(_read(builder)) == NUM_PHOTOS


def test_an_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dataset must be one of"):
        registry.create_builder(DataConfig(dataset="cats", data_dir=str(tmp_path)), 0)
