"""Filters that follow the face: what they leave of faces from 16 to 2,000 px."""

import functools

import cv2
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig, DataConfig, TrainDetector, adapt
from safefakes_tf.config.data import STRICT
from safefakes_tf.faces import ACTION, BBOX, FILENAME, GENERATED, IMAGE
from safefakes_tf.ops import filters as filter_ops
from tfds_builders.synthetic_crowd import heads

SIZES = (16, 40, 96, 400, 960, 2000)
# Of the detail in an octave, from an eighth of the face on.
BOUNDS = {"blackout": 0.0, "blur": 0.01, "pixelate": 0.1}
NUM_HEADS = 8
# Beside the faces, in parts of them: with less, black boxes under hair, above a collar,
# are taken for faces as well.
MARGIN = 0.3


@functools.cache
def method(name, strength):
    config = AnonymizationConfig(min_width=0, strength=strength)
    return anonymizers.create(name, config, seed=0)


def hidden(name, photo, box, strength="face"):
    """Return a photo behind a filter; the box is yxyx in pixels."""
    boxes = np.reshape(box / np.tile(photo.shape[:2], 2), [1, 4]).astype(np.float32)
    result = method(name, strength)({IMAGE: photo, FILENAME: "a", BBOX: boxes})
    assert result[ACTION].numpy().tolist() == [GENERATED]
    return result[IMAGE].numpy()


# === What is left ===


@functools.cache
def textured(height, width):
    """Return a grey photo with as much detail in every octave, as real ones have."""
    noise = np.fft.fft2(np.random.default_rng(0).normal(size=[height, width]))
    grey = np.fft.ifft2(noise / np.maximum(_cycles(height, width), 1)).real
    grey = (128 + 40 * grey / grey.std()).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _cycles(height, width):
    """Return how often each frequency of a photo repeats in its longer side."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    return np.hypot(y, x) * max(height, width)


def left(before, after):
    """Return per octave which share of its detail is still there, and in its place."""
    window = np.outer(*map(np.hanning, before.shape[:2]))
    one, other = (
        np.fft.fft2((image[..., 0] - image[..., 0].mean()) * window)
        for image in (before, after)
    )
    cycles, shares, low = _cycles(*window.shape), [], 4.0
    while low < min(window.shape) / 2:
        octave = (cycles >= low) & (cycles < 2 * low)
        common = np.abs((one[octave].conj() * other[octave]).sum())
        shares.append(common / (np.abs(one[octave]) ** 2).sum())
        low *= 2
    return shares


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BOUNDS)
def test_no_detail_finer_than_an_eighth_of_a_face_is_left(name, size):
    photo = textured(size, size * 4 // 5)
    after = hidden(name, photo, [0, 0, *photo.shape[:2]])
    assert max(left(photo, after)) <= BOUNDS[name]


def test_kernels_of_the_study_leave_it():
    """So the measure sees what it is there for."""
    photo = textured(960, 768)
    after = hidden("blur", photo, [0, 0, *photo.shape[:2]], "study")
    assert max(left(photo, after)) > 0.5


def size_of(box):
    height, width = box[2:] - box[:2]
    return np.array([height, width, height, width])


def portraits(size):
    """Yield photos of heads on grey, faces `size` px high, and boxes in pixels."""
    bank = heads.load()
    facing = (bank.kinds == "face") & (np.abs([bank.yaw, bank.pitch]) < 15).all(axis=0)
    _, first = np.unique(bank.identities[facing], return_index=True)
    for index in np.flatnonzero(facing)[first[:NUM_HEADS]]:
        tile, box = bank.tile(index), bank.boxes[index]
        alpha = tile[..., 3:] / 255
        photo = (tile[..., :3] * alpha + 120 * (1 - alpha)).astype(np.uint8)
        side = round(size / (box[2] - box[0]))
        photo = cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC)
        yield photo, (box + MARGIN * size_of(box) * [-1, -1, 1, 1]) * side


@pytest.mark.keypoints
@pytest.mark.parametrize("size", [96, 400, 960])
def test_hardly_a_face_is_found_behind_a_filter(size, keypoint_detector):
    found = dict.fromkeys(("original", *BOUNDS), 0)
    for photo, box in portraits(size):
        boxes = (box[None] / len(photo)).astype(np.float32)
        for name in found:
            after = photo if name == "original" else hidden(name, photo, box)
            (source,) = keypoint_detector.find(after, boxes).source
            found[name] += source != faces.NOT_FOUND
    assert found.pop("original") >= NUM_HEADS - 1
    assert max(found.values()) <= 1


# === How ===


def test_a_face_at_the_border_is_hidden_as_if_it_were_whole():
    photo = textured(200, 300)
    box = [20, -150, 180, 30]  # of 180 px, 30 are in the photo
    seen = np.s_[20:180, :30]
    steps = np.diff(hidden("blur", photo, box)[seen].astype(int), axis=1)
    assert np.abs(steps).max() <= 3
    steps = np.diff(hidden("pixelate", photo, box)[seen].astype(int), axis=1)
    assert not steps.any()  # its 30 px are one cell, as one of the whole is 45 px wide


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (7, 5), (3, 40)])
@pytest.mark.parametrize("name", ["blur", "pixelate"])
def test_of_small_faces_even_less_is_left(name, size):
    photo = np.random.default_rng(1).integers(0, 256, [50, 60, 3], np.uint8)
    height, width = size
    inside = np.s_[5 : 5 + height, 10 : 10 + width]
    after = hidden(name, photo, [5, 10, 5 + height, 10 + width])
    assert height * width == 1 or (after[inside] != photo[inside]).any()
    if name == "pixelate":
        colours = np.unique(after[inside].reshape(-1, 3), axis=0)
        assert len(colours) <= max(height // 4, 1) * max(width // 4, 1)
    else:
        assert after[inside].std(axis=(0, 1)).max() <= photo[inside].std() / 2
    after[inside] = photo[inside]
    np.testing.assert_array_equal(after, photo)


def test_cells_are_at_least_a_quarter_of_the_longer_side():
    photo = textured(160, 160)
    after = hidden("pixelate", photo, [0, 30, 160, 110])[:, 30:110].astype(int)
    rows = np.flatnonzero(np.diff(after, axis=0).any((1, 2)))
    columns = np.flatnonzero(np.diff(after, axis=1).any((0, 2)))
    assert (rows.tolist(), columns.tolist()) == ([39, 79, 119], [39])


def test_fewer_cells_may_be_chosen_and_more_may_not():
    photo = textured(160, 160)
    record = {IMAGE: photo, FILENAME: "a", BBOX: np.float32([[0, 0, 1, 1]])}
    for cells, most in ((2, 4), (100, 16)):
        config = AnonymizationConfig(0, "face", pixelate_cells=cells)
        after = anonymizers.create("pixelate", config, 0)(record)[IMAGE].numpy()
        assert most / 2 <= len(np.unique(after[..., 0])) <= most


@pytest.mark.parametrize("strip", [2**20, 64])
def test_soften_is_a_gaussian_of_what_is_in_the_box(strip, monkeypatch):
    """Whether all is computed at a time or a few rows, as of a large photo."""
    monkeypatch.setattr(filter_ops, "STRIP", strip)
    patch = np.random.default_rng(0).integers(0, 256, [90, 41, 3], np.uint8)

    def gaussian(values):
        return ndimage.gaussian_filter(values, (7, 7, 0), mode="constant", truncate=8)

    exact = gaussian(patch.astype(float)) / gaussian(np.ones(patch.shape))
    result = filter_ops.soften(tf.constant(patch), tf.constant(7.0)).numpy()
    difference = np.abs(result - exact)
    assert difference.max() <= 8
    assert difference[20:-20, 20:-20].max() <= 0.7


# === Where ===


def test_settings_are_strict_where_others_see_the_result():
    study = TrainDetector(DataConfig(anonymizer="blur"))
    for mode in ("anonymize", "export"):
        assert adapt(study, mode).data.anonymization == STRICT
    for mode in ("evaluate", "study", "build_dataset"):
        assert adapt(study, mode).data.anonymization == AnonymizationConfig()
