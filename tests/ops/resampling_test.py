"""Resizing against OpenCV's and Pillow's."""

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from safefakes_tf.ops import resampling


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("size", [(218, 178), (90, 75), (300, 610)])
def test_a_cubic_cut_is_opencvs_resize(size):
    photo = noise(*size, 3)
    region = tf.constant([0, 0, *size])
    got = tf.function(resampling.cut_cubic)(photo, region, 218, 178).numpy()
    expected = cv2.resize(photo, (178, 218), interpolation=cv2.INTER_CUBIC)
    difference = np.abs(got.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize(
    "region", [(-20, -30, 60, 50), (10, 20, 95, 131), (70, 90, 75, 94), (-50, 0, -9, 9)]
)
def test_beyond_the_photo_its_edge_is_repeated(region):
    photo = noise(80, 100, 3)
    padded = cv2.copyMakeBorder(photo, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    top, left, bottom, right = (side + 50 for side in region)
    expected = cv2.resize(
        padded[top:bottom, left:right], (30, 40), interpolation=cv2.INTER_CUBIC
    )
    got = resampling.cut_cubic(tf.constant(photo), tf.constant(region), 40, 30)
    assert np.abs(got.numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("size", "side"), [((218, 178), 144), ((90, 100), 128), ((100, 90), 128)]
)
def test_lanczos_is_pillows_axis_by_axis(size, side):
    """Which axis comes first is told, as it differs between versions of Pillow."""
    picture = noise(*size, 3)
    got = tf.function(resampling.lanczos)(picture, side).numpy()
    first = (size[1], side) if size[0] > max(size[1], side) else (side, size[0])
    expected = Image.fromarray(picture).resize(first, Image.LANCZOS)
    expected = np.asarray(expected.resize((side, side), Image.LANCZOS))
    difference = np.abs(got.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_lanczos_takes_any_number_of_channels():
    picture = noise(20, 30, 7)
    got = resampling.lanczos(tf.constant(picture), 16)
    for channel in range(7):
        alone = resampling.lanczos(tf.constant(picture[..., channel : channel + 1]), 16)
        np.testing.assert_array_equal(got[..., channel], alone[..., 0])
