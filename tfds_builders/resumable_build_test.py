"""Builds that go on: equal to TFDS' own, and to those that nothing interrupted."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from toy_faces import NUM_PHOTOS, ToyFaces

from safefakes_tf import arithmetic, faces
from safefakes_tf.config import WEIGHTS, AnonymizationConfig
from safefakes_tf.photos import reader, writer
from tfds_builders import derive, keypoint_store, parts, resumable_build
from tfds_builders.builder_config import AnonymizedConfig

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

CROWD = AnonymizationConfig(weights=str(WEIGHTS / "sun2018_crowd.npz"))
FILTER, INFO = "blackout", "dataset_info.json"
PART = 3  # photos
NUM_PARTS = 6  # of two splits


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Let a few photos fill several parts."""
    monkeypatch.setattr(parts, "PHOTOS_PER_PART", PART)
    monkeypatch.setattr(keypoint_store, "PHOTOS_PER_FILE", PART)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a folder of data sets with the source alone."""
    folder = tmp_path_factory.mktemp("source")
    ToyFaces.create(AnonymizedConfig(), data_dir=str(folder)).prepare()
    return folder


@pytest.fixture
def toy(source, tmp_path):
    """Return a function: makes a builder of derived photos in a folder of its own."""

    def make(name="data", **options):
        if not (tmp_path / name).exists():
            shutil.copytree(source, tmp_path / name)
        config = AnonymizedConfig(**{"anonymizer": FILTER, **options})
        return ToyFaces.create(config, data_dir=str(tmp_path / name))

    return make


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """Return the files of a data set that TFDS wrote, without parts."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    shutil.copytree(source, folder)
    builder = ByTfds.create(AnonymizedConfig(anonymizer=FILTER), data_dir=str(folder))
    builder.prepare()
    return files(builder)


@pytest.fixture
def encoded(monkeypatch):
    """Return a list that grows by each photo that is encoded."""
    seen, encode = [], writer.encode

    def note(*arguments):
        seen.append(arguments)
        return encode(*arguments)

    monkeypatch.setattr(writer, "encode", note)
    return seen


def files(builder):
    """Return what a data set consists of: name -> bytes."""
    found = {path.name: path.read_bytes() for path in builder.data_path.iterdir()}
    about = json.loads(found[INFO])
    del about["moduleName"]  # of the builder
    return {**found, INFO: about}


def interrupt(monkeypatch, after, error=KeyboardInterrupt):
    """Stop builds after so many parts."""
    write, written = parts.write, []

    def stop(*arguments):
        if len(written) == after:
            raise error
        written.append(write(*arguments))
        return written[-1]

    monkeypatch.setattr(parts, "write", stop)


class ByTfds(ToyFaces, skip_registration=True):
    """Toy faces that TFDS writes without parts."""

    name = "toy_faces"

    def _download_and_prepare(self, dl_manager, download_config):
        tfds.core.GeneratorBasedBuilder._download_and_prepare(
            self, dl_manager, download_config
        )

    def _split_generators(self, dl_manager):
        source = self.source_builder()
        self.info.metadata["raw_sha256"] = None
        derived = derive.derivation(
            self.builder_config, source.info.features, source.keypoint_layout
        )
        return {
            split: self._generate_examples(
                split, (photo.records[0] for photo in derived(source.encoded(split)))
            )
            for split in source.info.splits
        }


def test_shards_are_those_that_tfds_makes(toy, whole):
    toy().prepare()
    assert files(toy()) == whole
    assert not resumable_build.folder_of(toy()).exists()


def test_many_shards_are_those_that_tfds_makes(toy):
    config = tfds.download.DownloadConfig(num_shards=3)
    builder, folder = toy("one"), toy("two").data_dir_root
    builder.download_and_prepare(download_config=config)
    expected = ByTfds(config=FILTER, data_dir=str(folder))
    expected.download_and_prepare(download_config=config)
    assert files(builder) == files(expected)
    assert builder.info.splits["train"].num_shards == 3


def test_as_many_photos_are_derived_as_asked_for(toy):
    config = tfds.download.DownloadConfig(max_examples_per_split=4)
    builder = toy()
    builder.download_and_prepare(download_config=config)
    assert builder.info.splits["train"].num_examples == 4
    assert builder.info.metadata["counts"]["train"]["photos"] == 4


@pytest.mark.parametrize("after", [1, 4])
def test_a_build_that_was_stopped_goes_on(toy, whole, monkeypatch, encoded, after):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, after)
        toy().prepare()
    assert not toy().data_path.exists()
    kept = list(resumable_build.folder_of(toy()).glob("*.json"))
    assert len(kept) == after + 1  # one tells what they were made from
    del encoded[:]
    resumed = toy()
    resumed.prepare()
    of_kept = [PART, PART, 1, PART, PART, 1][:after]
    assert len(encoded) == 2 * NUM_PHOTOS - sum(of_kept)
    assert files(resumed) == whole
    assert not resumable_build.folder_of(resumed).exists()


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [("json", _cut), ("tfrecord", _cut), ("tfrecord", pathlib.Path.unlink)],
)
def test_parts_that_are_not_whole_are_made_anew(
    toy, whole, monkeypatch, encoded, suffix, damage
):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, NUM_PARTS - 1)
        toy().prepare()
    folder = resumable_build.folder_of(toy())
    damage(folder / f"train-00001.{suffix}")
    (folder / ".x.partial").write_bytes(b"what a kill leaves")
    del encoded[:]
    resumed = toy()
    resumed.prepare()
    assert len(encoded) == PART + 1
    assert files(resumed) == whole


def test_a_kill_before_parts_are_removed_leaves_none(toy, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(resumable_build, "remove_parts", lambda builder: None)
        toy().prepare()
    assert resumable_build.folder_of(toy()).exists()
    toy().prepare()
    assert not resumable_build.folder_of(toy()).exists()


def _stop(builder, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 1)
        builder.prepare()


def test_another_source_is_refused(toy, monkeypatch):
    _stop(toy(), monkeypatch)
    source = toy().source_builder().data_path
    shutil.rmtree(source)
    records = ToyFaces._records
    monkeypatch.setattr(ToyFaces, "_records", lambda self, _: records(self, "others"))
    begun = r"unfinished\.1\.0\.0 was begun with other inputs or settings"
    changed = r"\(source_sha256: [^\n]*; remove it[^\n]*$"
    with pytest.raises(ValueError, match=rf"^[^\n]*{begun} {changed}"):
        toy().prepare()
    shutil.rmtree(resumable_build.folder_of(toy()))
    toy().prepare()


def test_another_arithmetic_is_refused_where_it_counts(toy, monkeypatch):
    monkeypatch.setattr(keypoint_store, "attach", _annotate)
    generated = {"anonymizer": "sun2018", "anonymization": CROWD}
    _stop(toy("one", **generated), monkeypatch)
    _stop(toy("two"), monkeypatch)
    other = {**arithmetic.describe(), "instruction_set": "abacus"}
    monkeypatch.setattr(arithmetic, "describe", lambda: other)
    with pytest.raises(ValueError, match=r"instruction_set: .* -> \"abacus\"\); rem"):
        toy("one", **generated).prepare()
    toy("two").prepare()


def _annotate(records, *_):
    """Add keypoints that nobody found."""

    def add(record):
        count = tf.shape(record[faces.BBOX])[0]
        return {
            **record,
            faces.KEYPOINTS: tf.zeros([count, 75, 2]),
            faces.HAS_KEYPOINTS: tf.zeros([count], bool),
            faces.KEYPOINTS_SOURCE: tf.zeros([count], tf.int64),
        }

    return records.map(add)


def test_parts_are_made_anew_from_other_keypoints(toy, monkeypatch, encoded):
    generated = {"anonymizer": "sun2018", "anonymization": CROWD}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 2)
        toy(**generated).prepare()
    keypoints = toy().source_builder().data_path / keypoint_store.FOLDER
    path = keypoints / "train-00000.npz"
    before = path.read_bytes()
    with np.load(path) as arrays:
        moved = {**arrays, "keypoints": arrays["keypoints"] * np.float32(0.9)}
    np.savez(path, **moved)
    assert path.read_bytes() != before
    del encoded[:]
    toy(**generated).prepare()
    assert len(encoded) == 2 * NUM_PHOTOS - PART


class Broken(ToyFaces):
    """Toy faces of which a photo does not decode, though its builder let it in."""

    def _records(self, split):
        for record in super()._records(split):
            if record[faces.FILENAME] == "train/3.jpg":
                yield {**record, faces.IMAGE: record[faces.IMAGE][:60]}
            else:
                yield record


def test_a_photo_that_does_not_decode_is_named_and_the_rest_kept(
    tmp_path, monkeypatch, encoded
):
    def build():
        config = AnonymizedConfig(anonymizer=FILTER)
        builder = Broken.create(config, data_dir=str(tmp_path))
        with pytest.raises(ValueError, match=r"^photo train/3.jpg [^\n]*$"):
            builder.prepare()
        assert not builder.data_path.exists()
        return len(list(resumable_build.folder_of(builder).glob("*-*.json")))

    names = [r[faces.FILENAME].decode() for r in _source_of(Broken, tmp_path)]
    before = names.index("train/3.jpg") // PART
    assert build() == before
    del encoded[:]
    assert build() == before
    assert len(encoded) <= PART + NUM_PHOTOS  # those that were on their way


def _source_of(kind, folder):
    builder = kind.create(AnonymizedConfig(), data_dir=str(folder))
    builder.prepare()
    return builder.encoded("train").as_numpy_iterator()


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(toy, monkeypatch):
    full = OSError(28, "No space left on device")
    with monkeypatch.context() as patch:
        interrupt(patch, 2, full)
        with pytest.raises(ValueError, match=r"^no space left in [^\n]* goes on, "):
            toy().prepare()
    assert len(list(resumable_build.folder_of(toy()).glob("*-*.json"))) == 2
    assert not list(toy().data_path.parent.glob("incomplete*"))
    toy().prepare()
    assert json.loads(files(toy())["metadata.json"])["counts"]["train"]["photos"] == 7


def test_what_is_found_twice_is_searched_once(toy, monkeypatch):
    source = toy().source_builder()
    source.encoded_with_keypoints("train")
    folder = pathlib.Path(source.data_path) / keypoint_store.FOLDER
    whole = {path.name: dict(np.load(path)) for path in folder.glob("*.npz")}
    (folder / "train-00001.npz").unlink()
    others = {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    decoded = []
    decode = reader.decode_stored
    monkeypatch.setattr(
        reader, "decode_stored", lambda photo: decoded.append(1) or decode(photo)
    )
    source.encoded_with_keypoints("train")
    assert len(decoded) == PART
    assert {path: path.stat().st_mtime_ns for path in others} == others
    for name, arrays in whole.items():
        with np.load(folder / name) as again:
            for key, values in arrays.items():
                np.testing.assert_array_equal(again[key], values)
