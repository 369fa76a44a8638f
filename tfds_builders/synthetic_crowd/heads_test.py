"""Tests of the committed bank of heads."""

import numpy as np
import pytest

from tfds_builders.synthetic_crowd import heads


@pytest.fixture(scope="module")
def bank():
    return heads.load()


@pytest.fixture(scope="module")
def faces(bank):
    return np.flatnonzero(bank.kinds == "face")


def test_size_on_disk():
    assert heads.PATH.stat().st_size <= 12e6


def test_shapes_and_types(bank):
    count = len(bank)
    assert bank.keypoints68.shape == (count, 68, 2)
    assert bank.keypoints7.shape == (count, 7, 2)
    assert bank.boxes.shape == (count, 4)
    for name in ("keypoints68", "keypoints7", "boxes", "yaw", "pitch", "skin_tone"):
        assert getattr(bank, name).dtype == np.float32
    assert bank.identities.dtype == np.int32
    assert bank.clothes_rgb.shape == (count, 3)
    for name in ("kinds", "hair_style", "glasses", "headwear", "expression"):
        assert getattr(bank, name).shape == (count,)


def test_enough_people_and_views(bank, faces):
    numbers, views = np.unique(bank.identities[faces], return_counts=True)
    assert len(numbers) >= 150
    assert views.min() >= 5


def test_hard_negatives(bank):
    for kind in ("back", "mannequin"):
        chosen = bank.kinds == kind
        assert chosen.sum() >= 40
        assert (bank.identities[chosen] == -1).all()
        assert np.isnan(bank.boxes[chosen]).all()


def test_boxes_lie_inside_and_hold_the_landmarks(bank, faces):
    boxes, points = bank.boxes[faces], bank.keypoints68[faces]
    assert (boxes >= 0).all() and (boxes <= 1).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 0.15).all()
    low, high = boxes[:, None, :2] - 0.02, boxes[:, None, 2:] + 0.02
    inside = ((points >= low) & (points <= high)).all(2)
    assert inside.mean() > 0.95


def test_eyes_above_mouth_and_left_is_left(bank, faces):
    frontal = faces[np.abs(bank.yaw[faces]) < 15]
    points, seven = bank.keypoints68[frontal], bank.keypoints7[frontal]
    assert (points[:, 36:48, 0].mean(1) < points[:, 48:, 0].mean(1)).all()
    assert (seven[:, 1, 1] > seven[:, 2, 1]).all()  # the person's left eye
    assert (seven[:, 5, 1] > seven[:, 6, 1]).all()
    np.testing.assert_allclose(seven[:, 0], points[:, 30], atol=1e-6)


def test_skin_tones_are_evenly_spread(bank, faces):
    numbers, first = np.unique(bank.identities[faces], return_index=True)
    tones = bank.skin_tone[faces][first]
    counts, _ = np.histogram(tones, bins=10, range=(0, 1))
    assert counts.min() >= 0.8 * len(numbers) / 10


def test_variety(bank, faces):
    male = bank.male[faces]
    assert 0.35 < male.mean() < 0.65
    assert np.abs(bank.yaw[faces]).max() > 48
    assert np.abs(bank.yaw[faces]).max() <= 60
    assert np.abs(bank.pitch[faces]).max() <= 25
    assert len(np.unique(bank.hair_style[faces])) >= 8
    assert len(np.unique(bank.expression[faces])) >= 6
    assert 0.05 < (bank.glasses[faces] != "none").mean() < 0.5
    assert 0.05 < (bank.headwear[faces] != "none").mean() < 0.5


def test_tiles(bank):
    for index in range(0, len(bank), 37):
        tile = bank.tile(index)
        assert tile.shape == (256, 256, 4)
        assert tile.dtype == np.uint8
        alpha = tile[..., 3]
        assert 0.2 < (alpha > 127).mean() < 0.95
        assert alpha[:2].max() == 0  # hair is never cut at the top
        assert tile[..., :3][alpha > 127].std() > 5


def test_load_reads_once():
    assert heads.load() is heads.load()
