"""Derived data sets: names, order, annotations, pixels, provenance, splits."""

import dataclasses
import json
import pathlib
import pickle
import re

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
import toy_faces
from toy_faces import NUM_PHOTOS, ToyFaces, records_of, toy

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import (
    WEIGHTS,
    AnonymizationConfig,
    DataConfig,
    names,
)
from safefakes_tf.keypoints import layouts
from tfds_builders import keypoint_store, registry
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import AnonymizedConfig

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


def test_a_derived_data_set_has_the_keys_order_and_annotations_of_its_source(tmp_path):
    builder = toy(tmp_path, anonymizer="blackout")
    builder.prepare()
    for split in ("train", "validation"):
        sources, derived = (
            records_of(builder.source_builder(), split),
            records_of(builder, split),
        )
        assert len(derived) == NUM_PHOTOS
        for source, record in zip(sources, derived, strict=True):
            faces.validate(source)
            faces.validate(record)
            assert set(record) - set(source) == {faces.ACTION}
            for key in set(source) - {faces.IMAGE}:
                np.testing.assert_array_equal(record[key], source[key])
                assert np.asarray(record[key]).dtype == np.asarray(source[key]).dtype


def test_records_are_read_by_their_numbers(tmp_path):
    builder = toy(tmp_path)
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


@pytest.mark.parametrize("anonymizer", ["original", "blur"])
def test_stored_pixels_are_those_of_the_map_stage(tmp_path, anonymizer):
    builder = toy(tmp_path, anonymizer=anonymizer, image_format="png")
    builder.prepare()
    stage = anonymizers.create(anonymizer, AnonymizationConfig(), seed=0)
    fly = builder.source_builder().as_dataset(split="train").map(stage)
    for record, kept in zip(fly.as_numpy_iterator(), records_of(builder), strict=True):
        np.testing.assert_array_equal(record[faces.IMAGE], kept[faces.IMAGE])
        np.testing.assert_array_equal(record[faces.ACTION], kept[faces.ACTION])


def test_same_data_same_bytes(tmp_path):
    for folder in ("one", "two"):
        toy(tmp_path / folder, anonymizer="pixelate").prepare()
    files = sorted((tmp_path / "one").rglob("*.tfrecord*"))
    assert files
    for file in files:
        twin = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert file.read_bytes() == twin.read_bytes()


def test_features_of_records_lie_in_one_order(tmp_path):
    """Else each process wrote them in another."""
    builder = toy(tmp_path, anonymizer="blackout")
    builder.prepare()
    files = [str(path) for path in builder.data_path.glob("*.tfrecord*")]
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        example = tf.train.Example.FromString(record)
        assert record == example.SerializeToString(deterministic=True)


def test_the_order_does_not_depend_on_the_number_of_shards(tmp_path):
    names = []
    for shards in (1, 3):
        builder = toy(tmp_path / str(shards))
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(num_shards=shards)
        )
        assert builder.info.splits["train"].num_shards == shards
        names.append([record[faces.FILENAME] for record in records_of(builder)])
    assert names[0] == names[1]


def test_metadata_tell_how_the_photos_were_made(tmp_path):
    builder = toy(tmp_path, anonymizer="blackout", jpeg_quality=80)
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
    again = toy(tmp_path, anonymizer="blackout", jpeg_quality=80)
    assert dict(again.info.metadata) == stored


def test_no_reader_waits_for_a_sleeping_tuner(tmp_path):
    builder = toy(tmp_path)
    builder.prepare()
    for read in (builder.as_dataset, builder.encoded, builder.numbered):
        assert read(split="train").options().autotune.enabled is False


def test_a_split_that_is_not_here_is_one_line(tmp_path):
    builder = toy(tmp_path)
    builder.prepare()
    message = r"^toy_faces has no photos of split test here; it has train, validation: "
    for read in (builder.as_dataset, builder.encoded, builder.numbered):
        with pytest.raises(ValueError, match=message + r"[^\n]*$"):
            read(split="test")
    assert len(builder.as_dataset(split="train[:2]")) == 2


@pytest.mark.parametrize(
    "part", ["[:500]", "[-9:]", "[:150%]", "[2:2]", "[3:1]", "[1.5:]", "[0]", "[:5"]
)
def test_a_part_that_a_split_does_not_have_is_one_line(tmp_path, part):
    builder = toy(tmp_path)
    builder.prepare()
    told = f"has {NUM_PHOTOS} photos of split train, and no part train{part} of them; "
    with pytest.raises(ValueError, match=rf"^toy_faces {re.escape(told)}[^\n]*$"):
        builder.as_dataset(split=f"train{part}")


def test_a_split_that_no_copy_has_is_refused_before_anything_is_built(tmp_path):
    builder = toy(tmp_path)
    with pytest.raises(ValueError, match=r"^toy_faces has the splits [^\n]* test is"):
        registry.prepare(builder, "test")
    assert not builder.data_path.exists()


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
    assert records_of(source)[0][faces.KEYPOINTS].shape == (2, 5, 2)
    found = next(iter(source.encoded_with_keypoints("train")))
    assert found[faces.KEYPOINTS].shape == (2, layouts.NUM_FOUND, 2)
    weights = AnonymizationConfig(weights=str(WEIGHTS / "sun2018_crowd.npz"))
    config = AnonymizedConfig(anonymizer="sun2018", anonymization=weights)
    derived = FivePoints.create(config, data_dir=str(tmp_path))
    derived.prepare()
    assert records_of(derived)[0][faces.KEYPOINTS].shape == (2, layouts.NUM_FOUND, 2)


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
    monkeypatch.setitem(
        names.DATASETS, "toy", names.Dataset(toy_faces.__name__, "noise")
    )
    data = DataConfig(dataset="toy", anonymizer="blur", data_dir=str(tmp_path))
    builder = registry.create_builder(data, seed=0)
    registry.prepare(builder)
    assert isinstance(builder, toy_faces.Builder)
    assert len(records_of(builder)) == NUM_PHOTOS


def test_an_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dataset must be one of"):
        registry.create_builder(DataConfig(dataset="cats", data_dir=str(tmp_path)), 0)
