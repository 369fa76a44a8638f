"""Keypoints beside a data set: found once, resumed, and of the right photos."""

import threading

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces, locks
from tfds_builders import keypoint_store

COUNT = 7


def records(names="abcdefg"):
    photo = tf.io.encode_png(np.zeros([10, 20, 3], np.uint8)).numpy()
    boxes = np.float32([[0.1, 0.1, 0.9, 0.8], [0, 0, 0.1, 0.05]])
    faces_of = [boxes[: index % 3] for index in range(len(names))]
    return tf.data.Dataset.from_generator(
        lambda: (
            {faces.IMAGE: photo, faces.FILENAME: name, faces.BBOX: some}
            for name, some in zip(names, faces_of, strict=True)
        ),
        output_signature={
            faces.IMAGE: tf.TensorSpec([], tf.string),
            faces.FILENAME: tf.TensorSpec([], tf.string),
            faces.BBOX: tf.TensorSpec([None, 4], tf.float32),
        },
    ).apply(tf.data.experimental.assert_cardinality(len(names)))


class CountingDetector(fake_keypoints.FakeDetector):
    """Counts the photos that it sees, and stops after a few."""

    calls = 0
    limit = 100

    def find(self, photo, boxes):
        if CountingDetector.calls == CountingDetector.limit:
            raise KeyboardInterrupt
        CountingDetector.calls += 1
        return super().find(photo, boxes)


@pytest.fixture(autouse=True)
def few_photos_per_file(monkeypatch):
    monkeypatch.setattr(keypoint_store, "PHOTOS_PER_FILE", 3)
    monkeypatch.setattr(CountingDetector, "calls", 0)
    monkeypatch.setattr(CountingDetector, "limit", 100)


def attach(folder, dataset=None):
    return keypoint_store.attach(
        dataset or records(), folder, "train", CountingDetector
    )


def test_records_get_their_keypoints(tmp_path):
    joined = attach(tmp_path)
    assert len(joined) == COUNT
    for index, record in enumerate(joined.as_numpy_iterator()):
        faces.validate_faces({**record, faces.FILENAME: "x"})
        count = index % 3
        expected = [faces.MESH, faces.NOT_FOUND][:count]
        np.testing.assert_array_equal(record[faces.KEYPOINTS_SOURCE], expected)
        np.testing.assert_array_equal(
            record[faces.HAS_KEYPOINTS], [True, False][:count]
        )
        points = record[faces.KEYPOINTS]
        np.testing.assert_array_equal(
            points[:1, :68], fake_keypoints.in_boxes(record[faces.BBOX][:1])
        )
        assert not points[1:].any()


def test_a_search_is_done_once_and_goes_on_after_a_stop(tmp_path):
    CountingDetector.limit = 5
    with pytest.raises(KeyboardInterrupt):
        attach(tmp_path)
    CountingDetector.limit = 100
    attach(tmp_path)
    assert CountingDetector.calls == 5 + COUNT - 3  # one file of three was finished
    attach(tmp_path)
    assert CountingDetector.calls == 5 + COUNT - 3


def test_keypoints_of_other_photos_are_refused(tmp_path):
    attach(tmp_path)
    other = attach(tmp_path, records("abcxefg"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="of other photos"):
        list(other)


def _change(**changes):
    def change(path):
        with np.load(path) as file:
            arrays = {**file, **changes}
        np.savez(path, **{key: value for key, value in arrays.items() if len(value)})

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        _change(names=np.array([])),
        _change(names=np.array(["a", "b", "c"])),
        _change(names=np.array([{}, {}, {}])),
        _change(counts=np.array([2, 2, -1])),
        _change(counts=np.array([0.0, 1.0, 2.0])),
        _change(counts=np.array([9, 9, 9])),
        _change(keypoints=np.zeros([3, 68, 2], np.float32)),
        _change(keypoints=np.zeros([3, 75, 2])),
        _change(source=np.array([1, 0, 7])),
        _change(source=np.array([[1, 0, 1]])),
    ],
)
def test_a_broken_file_is_one_line_and_can_be_made_anew(tmp_path, damage):
    attach(tmp_path)
    path = tmp_path / "keypoints" / "train-00000.npz"
    damage(path)
    advice = r"are broken \([^\n]*\); remove the file [^\n]*$"
    with pytest.raises(ValueError, match=rf"^the keypoints in {path} {advice}"):
        attach(tmp_path)
    path.unlink()
    attach(tmp_path)


def test_a_search_is_waited_for(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "keypoints"
    folder.mkdir()
    held, told = threading.Event(), threading.Event()

    def hold():
        with locks.alone_in(folder):
            held.set()
            told.wait()

    monkeypatch.setattr(locks, "_holder", lambda folder: told.set() or "somebody")
    threading.Thread(target=hold).start()
    held.wait()
    attach(tmp_path)
    assert capsys.readouterr().err.startswith(f"somebody works in {folder}; waiting")
