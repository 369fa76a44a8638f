"""Colour operations against scalar references."""

import colorsys

import numpy as np
import pytest

from safefakes_tf.detectors.dsfd import colour_distortion

GREY = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (12, 17, 3)).astype(np.uint8)


def rounded(values):
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def test_brightness_multiplies_and_saturates(photo):
    np.testing.assert_array_equal(
        colour_distortion.adjust_brightness(photo, 1.1),
        rounded(np.float32(1.1) * photo),
    )


def test_contrast_scales_the_distance_to_the_mean_grey(photo):
    mean = np.floor(rounded(photo @ GREY).mean() + 0.5)
    np.testing.assert_array_equal(
        colour_distortion.adjust_contrast(photo, 0.75),
        rounded(mean + 0.75 * (photo - mean)),
    )


def test_saturation_scales_the_distance_to_the_own_grey(photo):
    grey = rounded(photo @ GREY)[..., None].astype(float)
    expected = np.clip(grey + 1.4 * (photo - grey), 0, 255)
    # Grey itself is 8 bit, by fixed-point arithmetic: one level at most.
    np.testing.assert_allclose(
        colour_distortion.adjust_saturation(photo, 1.4), expected, atol=1
    )


@pytest.mark.parametrize("steps", [-18.0, -3.4, 0.0, 7.9, 18.0])
def test_hue_turns_and_wraps(steps):
    pure = np.uint8(
        [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 60], [90, 90, 90]]]
    )
    turned = colour_distortion.adjust_hue(pure, steps)
    for before, after in zip(pure[0] / 255, turned[0] / 255, strict=True):
        old, new = colorsys.rgb_to_hsv(*before), colorsys.rgb_to_hsv(*after)
        assert new[1] == pytest.approx(old[1], abs=0.01)
        assert new[2] == pytest.approx(old[2], abs=0.01)
        if old[1]:
            distance = (new[0] - old[0] - steps / 256 + 0.5) % 1 - 0.5
            assert abs(distance) < 2 / 256  # truncation, and 8 bits there and back


def test_each_operation_is_applied_half_of_the_time_in_two_orders(photo, monkeypatch):
    calls = []
    for name in ("brightness", "contrast", "saturation", "hue"):
        monkeypatch.setattr(
            colour_distortion,
            f"adjust_{name}",
            lambda image, amount, name=name: calls[-1].append((name, amount)) or image,
        )
    for seed in range(600):
        calls.append([])
        colour_distortion.distort(photo, np.random.default_rng(seed))
    flat = [call for run in calls for call in run]
    limits = {
        "brightness": (0.875, 1.125),
        "contrast": (0.5, 1.5),
        "saturation": (0.5, 1.5),
        "hue": (-18, 18),
    }
    for name, (low, high) in limits.items():
        amounts = [amount for other, amount in flat if other == name]
        assert 240 < len(amounts) < 360
        assert low <= min(amounts) < low + 0.1 * (high - low)
        assert high >= max(amounts) > high - 0.1 * (high - low)
    full = {tuple(name for name, _ in run) for run in calls if len(run) == 4}
    assert full == {
        ("brightness", "contrast", "saturation", "hue"),
        ("brightness", "saturation", "hue", "contrast"),
    }


def test_distortion_leaves_its_input_alone(photo):
    before = photo.copy()
    for seed in range(20):
        colour_distortion.distort(photo, np.random.default_rng(seed))
    np.testing.assert_array_equal(photo, before)
