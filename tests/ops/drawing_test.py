"""Lines and polygons against OpenCV's, pixel for pixel."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.ops import drawing


def random_points(rng, shape, height, width, beyond=0):
    low, high = [-beyond, -beyond], [width + beyond, height + beyond]
    return rng.integers(low, high, [*shape, 2]).astype(np.int32)


@pytest.fixture(scope="module")
def lines():
    return tf.function(
        drawing.lines_mask,
        input_signature=[tf.TensorSpec([None, 2], tf.int32)] * 2
        + [tf.TensorSpec([], tf.int32)] * 2,
    )


@pytest.fixture(scope="module")
def polygon():
    return tf.function(
        drawing.polygon_mask,
        input_signature=[tf.TensorSpec([None, 2], tf.int32)]
        + [tf.TensorSpec([], tf.int32)] * 2,
    )


@pytest.mark.parametrize("beyond", [0, 40])
def test_lines_are_those_of_opencv(lines, beyond):
    rng = np.random.default_rng(beyond)
    for _ in range(100):
        height, width = (int(side) for side in rng.integers(1, 60, 2))
        starts, ends = random_points(rng, (2, 6), height, width, beyond)
        expected = np.zeros([height, width], np.uint8)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            cv2.line(expected, start, end, 1, 1)
        np.testing.assert_array_equal(lines(starts, ends, height, width), expected == 1)


@pytest.mark.parametrize("corners", [3, 12, 19])
def test_polygons_are_those_of_opencv(polygon, corners):
    rng = np.random.default_rng(corners)
    for _ in range(60):
        height, width = (int(side) for side in rng.integers(2, 60, 2))
        points = random_points(rng, (corners,), height, width)
        expected = np.zeros([height, width], np.uint8)
        cv2.fillPoly(expected, [points], 1)
        np.testing.assert_array_equal(polygon(points, height, width), expected == 1)


def test_a_polygon_beyond_the_picture_is_cut_off_by_it(polygon):
    rng = np.random.default_rng(0)
    for _ in range(60):
        points = random_points(rng, (8,), 40, 50, beyond=30)
        whole = np.zeros([100, 110], np.uint8)
        cv2.fillPoly(whole, [points + 30], 1)
        got = polygon(points, 40, 50).numpy()
        # Lines that are clipped may differ by a pixel.
        expected, near = whole[30:70, 30:80] == 1, np.ones([3, 3])
        assert not (got & (cv2.dilate(whole, near)[30:70, 30:80] == 0)).any()
        around_got = cv2.dilate(got.astype(np.uint8), near) == 1
        assert not (expected & ~around_got)[1:-1, 1:-1].any()


def test_a_polygon_of_one_pixel_and_one_that_is_a_line(polygon):
    one = np.int32([[2, 3]] * 4)
    assert np.argwhere(polygon(one, 5, 6).numpy()).tolist() == [[3, 2]]
    line = np.int32([[0, 1], [4, 1], [2, 1]])
    assert polygon(line, 5, 6).numpy().sum() == 5
