"""Stored crops: equal batches, any order, provenance, and builds that were stopped."""

import itertools
import json
import shutil

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.anonymizers import face_cutting, registry, stored_crops
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import (
    CiaganConfig,
    DataConfig,
    DeepPrivacyConfig,
    GanConfig,
    LoopConfig,
    Sun2018Config,
    TrainAnonymizer,
)
from safefakes_tf.photos import stored
from safefakes_tf.training import global_order, record_stream
from tfds_builders import face_crops, keypoint_store, parts, resumable_build
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import AnonymizedConfig, standard_configs
from tfds_builders.resumable_build_test import interrupt

SIDE, BATCH = 16, 4
# Sizes of photos, and boxes on them, x y width height in pixels. Crops of one photo
# overlap, and two touch the border.
PHOTOS = {
    "a/0.jpg": ((90, 120), [(10, 20, 12, 14), (25, 18, 14, 16), (60, 40, 18, 18)]),
    "a/1.png": ((70, 70), [(2, 3, 15, 15), (30, 30, 3, 4), (40, 40, 12, 13)]),
    "a/2.jpg": ((50, 50), [(20, 20, 5, 5)]),  # none is large enough
    "a/3.jpg": ((64, 40), [(0, 10, 18, 15), (28, 22, 10, 10)]),
    "a/4.png": ((80, 80), [(20, 20, 18, 18), (0, 0, 0, 0)]),
}
LARGE = {"b/0.png": ((200, 200), [(50, 50, 90, 80), (140, 60, 20, 20)])}


class ManyFaces(AnonymizedBuilder):
    """Photos of noise with one or several people."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = standard_configs()
    IDENTITIES = True
    LICENSE = "Nobody's."
    create_detector = fake_keypoints.FakeDetector
    photos = PHOTOS

    def face_features(self):
        return {"image/author": tfds.features.Text()}

    def source_examples(self, dl_manager):
        return {"train": self._records()}

    def raw_digest(self, folder):
        return "one"

    def _records(self):
        rng = np.random.default_rng(0)
        for number, (name, ((height, width), pixels)) in enumerate(self.photos.items()):
            image = rng.integers(0, 256, (height, width, 3), np.uint8)
            encode = tf.io.encode_png if name.endswith("png") else tf.io.encode_jpeg
            x, y, w, h = np.float32(pixels).T
            corners = np.stack([y / height, x / width], 1)
            corners = np.hstack(
                [corners, np.stack([(y + h) / height, (x + w) / width], 1)]
            )
            yield {
                faces.IMAGE: stored.check(encode(image).numpy(), name).encoded,
                faces.FILENAME: name,
                faces.BBOX: corners.astype(np.float32),
                faces.BBOX_PIXELS: np.int32(pixels),
                faces.IDENTITY: np.full(len(pixels), min(number, 1), np.int64),
                "image/author": f"author {number}",
            }


class LargeFaces(ManyFaces):
    """One photo, whose crop is shrunk."""

    photos = LARGE


def settings(network, name, **gan):
    return TrainAnonymizer(
        data=DataConfig(anonymizer=name),
        network=network,
        gan=GanConfig(generator_steps=1, **gan),
        loop=LoopConfig(global_batch_size=BATCH),
    )


DEEPPRIVACY = settings(DeepPrivacyConfig(resolution=SIDE), "deepprivacy")
SUN2018 = settings(Sun2018Config(resolution=SIDE), "sun2018")


def _create(folder):
    return ManyFaces.create(
        AnonymizedConfig(), data_dir=str(folder), manual_dir=str(folder)
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    builder = _create(folder)
    builder.prepare()
    return builder


@pytest.fixture(scope="module")
def crops(source):
    return face_crops.prepare(source, face_cutting.cutter(DEEPPRIVACY))


def take(dataset, count):
    return list(itertools.islice(dataset.as_numpy_iterator(), count))


def in_global_order(dataset, seed, position):
    """What `shuffled_epochs` returns, in the order of stored crops."""
    usable = [photo for photo in dataset if photo[faces.FILENAME] != "a/2.jpg"]

    def pick():
        for index in itertools.count(position):
            place = global_order.shuffled(tf.constant(index, tf.int64), 4, seed)
            yield np.int64(index), usable[int(place)]

    index = tf.TensorSpec([], tf.int64)
    return tf.data.Dataset.from_generator(
        pick, output_signature=(index, dataset.element_spec)
    )


def assert_equal(one, other):
    for name, value in one._asdict().items():
        np.testing.assert_array_equal(value, getattr(other, name), name)


@pytest.fixture
def reordered(monkeypatch):
    """Photos come in the order of stored crops."""
    monkeypatch.setattr(record_stream, "shuffled_epochs", in_global_order)


@pytest.mark.usefixtures("reordered")
@pytest.mark.parametrize("stage", [8, SIDE])
@pytest.mark.parametrize("wanted", [DEEPPRIVACY, SUN2018])
def test_batches_are_those_from_photos(source, crops, wanted, stage, monkeypatch):
    method = registry.method(wanted.data.anonymizer)
    records = source.encoded_with_keypoints("train", method.anonymizer.keypoints)
    stage, seed = Stage(stage, 100), 5
    photos = take(method.batches(wanted, records, stage, seed)(0), 6)
    stored = take(method.stored_batches(wanted, crops, stage, seed)(0), 6)
    for (batch, position), (other, other_position) in zip(photos, stored, strict=True):
        np.testing.assert_array_equal(position, other_position)
        assert_equal(batch, other)


def test_a_large_crop_is_shrunk_and_differs_by_rounding_alone(tmp_path):
    builder = LargeFaces.create(AnonymizedConfig(), data_dir=str(tmp_path))
    builder.prepare()
    crops = face_crops.prepare(builder, face_cutting.cutter(SUN2018))
    record = crops.parse(crops.read(np.array([0]))[0])
    top, _, bottom, _ = record[stored_crops.REGION].numpy()
    assert bottom - top > 2 * SIDE
    assert tf.io.decode_png(record[faces.IMAGE]).shape == (2 * SIDE, 2 * SIDE, 3)
    method = registry.method("sun2018")
    records = builder.encoded_with_keypoints("train", method.anonymizer.keypoints)
    stage = Stage(SIDE, 100)
    photos = take(method.batches(SUN2018, records, stage, 0)(0), 3)
    stored = take(method.stored_batches(SUN2018, crops, stage, 0)(0), 3)
    for (batch, _), (other, _) in zip(photos, stored, strict=True):
        np.testing.assert_allclose(batch.image, other.image, atol=1.01 * 2 / 255)
        np.testing.assert_array_equal(batch.mask, other.mask)
        np.testing.assert_array_equal(batch.points, other.points)
        # What is masked of neighbours grows by less than a pixel of the patch.
        shown = np.abs(batch.condition - other.condition) <= 1.01 * 2 / 255
        assert shown.mean() > 0.8


CIAGAN = settings(CiaganConfig(resolution=16, num_identities=2), "ciagan")


@pytest.fixture(scope="module")
def aligned(source):
    return face_crops.prepare(source, registry.method("ciagan").cutter(CIAGAN))


def test_pairs_are_those_from_photos(source, aligned):
    method = registry.method("ciagan")
    records = source.encoded_with_keypoints("train", method.anonymizer.keypoints)
    photos = take(method.batches(CIAGAN, records, Stage(16, 9), 3)(2), 1)
    stored = take(method.stored_batches(CIAGAN, aligned, Stage(16, 9), 3)(2), 1)
    assert_equal(photos[0].batch, stored[0].batch)


def test_the_stream_can_be_entered_anywhere(crops):
    make = registry.method("deepprivacy").stored_batches(
        DEEPPRIVACY, crops, Stage(SIDE, 100), 1
    )
    whole = take(make(0), 5)
    position = int(whole[1].position[-1]) + 1
    read = []
    counted = crops._replace(
        read=lambda numbers: read.append(numbers) or crops.read(numbers)
    )
    make = registry.method("deepprivacy").stored_batches(
        DEEPPRIVACY, counted, Stage(SIDE, 100), 1
    )
    for got, expected in zip(take(make(position), 3), whole[2:], strict=True):
        np.testing.assert_array_equal(got.position, expected.position)
        assert_equal(got.batch, expected.batch)
    far = 10**12
    (got,) = take(make(far), 1)
    np.testing.assert_array_equal(got.position, far + np.arange(BATCH))


def test_an_epoch_has_every_photo_once_in_an_order_of_its_own():
    size, epochs = 50, []
    order = tf.function(lambda index: global_order.shuffled(index, size, 7))
    for epoch in (0, 1, 10**9):
        indices = tf.range(epoch * size, (epoch + 1) * size, dtype=tf.int64)
        epochs.append([int(order(index)) for index in indices])
        assert sorted(epochs[-1]) == list(range(size))
    assert len(set(map(tuple, epochs))) == len(epochs)
    other = [
        int(global_order.shuffled(tf.constant(n, tf.int64), size, 8))
        for n in range(size)
    ]
    assert other != epochs[0]
    assert int(global_order.shuffled(tf.constant(5, tf.int64), 1, 7)) == 0


def test_a_face_comes_from_anywhere_in_an_epoch():
    """Over many orders the first place has every element about as often."""
    firsts = [
        int(global_order.shuffled(tf.constant(0, tf.int64), 4, seed))
        for seed in range(400)
    ]
    counts = np.bincount(firsts, minlength=4)
    assert counts.min() > 60


def test_crops_keep_annotations_licence_and_provenance(source, crops):
    (folder,) = source.data_path.parent.parent.glob("source-context_crops_16px/1.0.0")
    info = tfds.builder_from_directory(str(folder)).info
    assert info.as_proto.redistribution_info.license == source.LICENSE
    assert info.description == source.info.description
    stored = json.loads((folder / "metadata.json").read_text())
    assert stored["anonymizer"] == "source"
    assert stored["raw_sha256"] == "one"
    assert stored["options"]["crops"]["max_side"] == 2 * SIDE
    assert stored["counts"] == {"train": {"photos": 4, "faces": len(crops.photo)}}
    photos = {
        record[faces.FILENAME]: record
        for record in source.as_dataset("train").as_numpy_iterator()
    }
    read = tfds.builder_from_directory(str(folder)).as_data_source("train")
    assert len(read) == len(crops.photo)
    for record in read:
        photo = photos[record[faces.FILENAME]]
        assert record["image/author"] == photo["image/author"]
        assert record[faces.BBOX][0] in photo[faces.BBOX]
        own = record[stored_crops.FACE]
        for key in (faces.BBOX, faces.BBOX_PIXELS, faces.IDENTITY):
            np.testing.assert_array_equal(record[key][0], photo[key][own])
        top, left, bottom, right = record[stored_crops.REGION]
        whole = photo[faces.IMAGE]
        assert record[stored_crops.PHOTO_SIZE].tolist() == list(whole.shape[:2])
        np.testing.assert_array_equal(
            record[faces.IMAGE], whole[top:bottom, left:right]
        )


def test_only_faces_with_all_keypoints_where_that_is_wanted(crops):
    """The search of tests finds no shoulders."""
    method = registry.method("deepprivacy")
    wanted = settings(
        DeepPrivacyConfig(resolution=SIDE), "deepprivacy", only_with_keypoints=True
    )
    with pytest.raises(ValueError, match=r"^a generator of 16 px [^\n]* got 4 photos"):
        method.stored_batches(wanted, crops, Stage(SIDE, 9), 0)
    wanted = settings(
        Sun2018Config(resolution=SIDE), "sun2018", only_with_keypoints=True
    )
    registry.method("sun2018").stored_batches(wanted, crops, Stage(SIDE, 9), 0)


class Stopped(BaseException):
    """As if the process had been killed."""


@pytest.fixture
def uncut(source, crops, tmp_path, monkeypatch):
    """Return a builder of the photos alone, of which two make a part."""
    monkeypatch.setattr(parts, "PHOTOS_PER_PART", 2)
    monkeypatch.setattr(keypoint_store, "PHOTOS_PER_FILE", 2)
    data = tmp_path / "data"
    ignored = shutil.ignore_patterns("*crops*", keypoint_store.FOLDER)
    shutil.copytree(source.data_dir_root, data, ignore=ignored)
    return _create(data)


def files(source, cutter):
    """Return what the crops of a data set consist of: name -> bytes."""
    folder = face_crops.FaceCrops.create(source, cutter).data_path
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("after", [0, 2])
def test_a_killed_build_goes_on(source, uncut, monkeypatch, after):
    cutter = face_cutting.cutter(SUN2018)
    builder = face_crops.FaceCrops.create(uncut, cutter)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        interrupt(patch, after, Stopped)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # nobody cleans up
        patch.setattr(tf.io.gfile, "rmtree", lambda *_: None)
        face_crops.prepare(uncut, cutter)
    assert not builder.data_path.exists()
    cut = []

    def note(photos):
        for photo in cutter.cut(photos):
            cut.append(photo)
            yield photo

    face_crops.prepare(uncut, cutter._replace(cut=note))
    assert len(cut) == len(PHOTOS) - 2 * after
    assert [path.name for path in builder.data_path.parent.glob("[!.]*")] == ["1.0.0"]
    assert files(uncut, cutter) == files(source, cutter)


def test_shards_end_anywhere_in_parts(uncut, crops):
    builder = face_crops.FaceCrops.create(uncut, face_cutting.cutter(SUN2018))
    config = tfds.download.DownloadConfig(num_shards=3)
    builder.download_and_prepare(download_config=config)
    count = len(crops.photo)
    assert builder.info.splits["train"].num_shards == 3
    numbers = np.arange(count)
    np.testing.assert_array_equal(builder.open().read(numbers), crops.read(numbers))
    assert not resumable_build.folder_of(builder).exists()


def test_crops_of_other_photos_and_broken_ones_are_one_line(source, crops, tmp_path):
    data = shutil.copytree(source.data_dir_root, tmp_path / "data")
    copy = _create(data)
    cutter = face_cutting.cutter(SUN2018)
    folder = data / "many_faces" / f"source-{cutter.name}" / "1.0.0"
    (records,) = folder.glob("*.array_record*")
    metadata = folder / "metadata.json"
    for path, content, words in (
        (metadata, metadata.read_text().replace('"one"', '"two"'), "of other photos"),
        (folder / face_crops.INDEX, "PK", r"are broken \(crops\.npz: "),
        (records, "short", r"is broken \([^\n]*\); remove that"),
    ):
        kept = path.read_bytes()
        path.write_text(content)
        with pytest.raises(ValueError, match=rf"^[^\n]*{words}[^\n]*$"):
            face_crops.prepare(copy, cutter)
        path.write_bytes(kept)
    face_crops.prepare(copy, cutter)


def test_photos_without_a_large_face_leave_no_crops(source):
    wanted = settings(Sun2018Config(resolution=128), "sun2018")
    cutter = face_cutting.cutter(wanted)
    message = r"^[^\n]*has no faces whose [^\n]* 128 px; got 5 photos without$"
    with pytest.raises(ValueError, match=message):
        face_crops.prepare(source, cutter)
    assert not list(source.data_dir_root.glob(f"*/*{cutter.name}/*"))
