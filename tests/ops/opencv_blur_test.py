"""OpenCV's blur of 8 bits, its TensorFlow form and whole numbers, bit for bit alike."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.ops import filters as filter_ops
from safefakes_tf.ops import opencv_blur

WEIGHTS = {  # in 256ths
    1: [256],
    3: [61, 134, 61],
    5: [18, 63, 94, 63, 18],
    7: [7, 27, 57, 74, 57, 27, 7],
    9: [4, 13, 30, 51, 60, 51, 30, 13, 4],
}
# Thin along either axis, about the reach and the tiles of the TensorFlow form, larger.
SIZES = [
    *(
        (height, width)
        for height in range(1, 11)
        for width in (1, 2, 3, 4, 5, 6, 9, 40)
    ),
    *[(40, 1), (300, 4), (5, 300), (24, 25), (63, 64), (65, 64), (66, 129), (251, 333)],
]


def _photos(height, width):
    """Yield noise, noise of extremes, flat photos and a bright pixel in each corner."""
    generator = np.random.default_rng(height * width)
    shape = [height, width, 3]
    yield generator.integers(0, 256, shape, np.uint8)
    yield generator.choice(np.uint8([0, 255]), shape)
    yield np.full(shape, 255, np.uint8)
    corners = np.zeros(shape, np.uint8)
    corners[:: max(height - 1, 1), :: max(width - 1, 1)] = 255
    yield corners


def _in_whole_numbers(photo, weights):
    """Convolve in int64, borders as conventional.md has them; halves go up."""
    reach, sums = len(weights) // 2, photo.astype(np.int64)
    for axis, size in enumerate(photo.shape[:2]):
        pads = [(reach, reach) if other == axis else (0, 0) for other in range(3)]
        sums = np.pad(sums, pads, "reflect" if size > reach else "edge")
        windows = np.lib.stride_tricks.sliding_window_view(sums, len(weights), axis)
        sums = windows @ np.int64(weights)
    return (sums + 2**15) >> 16


@pytest.mark.parametrize("size", WEIGHTS)
def test_weights_are_whole_256ths(size):
    kernel = opencv_blur.kernel(size)
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel * 256, WEIGHTS[size])
    assert sum(WEIGHTS[size]) == 256


@pytest.mark.parametrize("size", WEIGHTS)
def test_opencv_tensorflow_and_whole_numbers_agree(size):
    blur = tf.function(
        lambda photo: filter_ops.blur(photo, opencv_blur.kernel(size)),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    for height, width in SIZES:
        for photo in _photos(height, width):
            expected = _in_whole_numbers(photo, WEIGHTS[size])
            result = opencv_blur.blur(photo, size)
            assert result.dtype == np.uint8
            np.testing.assert_array_equal(result, expected)
            np.testing.assert_array_equal(blur(photo), expected)


@pytest.mark.parametrize("size", WEIGHTS)
def test_no_pixel_is_two_levels_from_a_gaussian_before_it_is_rounded(size):
    """The photo is the worst there is: 255 where weights are too large, 0 elsewhere."""
    exact = np.float64(filter_ops.gaussian_kernel(size))
    rounded = np.float64(opencv_blur.kernel(size))
    errors = np.outer(rounded, rounded) - np.outer(exact, exact)
    assert 255 * errors[errors > 0].sum() < 2
    worst = np.repeat(np.uint8(255 * (errors > 0))[:, :, np.newaxis], 3, axis=2)
    sigma = filter_ops.gaussian_sigma(size)
    gaussian = cv2.GaussianBlur(worst.astype(np.float64), (size, size), sigma)
    difference = opencv_blur.blur(worst, size) - np.floor(gaussian + 0.5)
    assert np.abs(difference[size // 2, size // 2]).max() <= 2
