"""Region operations against straightforward NumPy, eagerly and inside `tf.data`."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.ops import filters as filter_ops
from safefakes_tf.ops import regions as region_ops


def _photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, [height, width, 3], np.uint8)


def _convolved(patch, kernel):
    """Convolve in float64 along both axes, borders as `filter_ops.blur` has them."""
    kernel = kernel.astype(np.float64)
    reach = len(kernel) // 2
    result = patch.astype(np.float64)
    for axis in (0, 1):
        size = result.shape[axis]
        mode = "reflect" if size > reach else "edge"
        pads = [(reach, reach) if axis == other else (0, 0) for other in range(3)]
        padded = np.pad(result, pads, mode=mode)
        result = sum(
            weight * np.take(padded, range(start, start + size), axis)
            for start, weight in enumerate(kernel)
        )
    return result


def test_regions_are_widened_to_whole_pixels_and_clipped():
    boxes = tf.constant([[0.11, 0.21, 0.29, 0.38], [-0.5, 0.9, 0.05, 1.7]])
    regions = region_ops.pixel_regions(boxes, 100, 50)
    np.testing.assert_array_equal(regions, [[11, 10, 29, 19], [0, 45, 5, 50]])


def test_whole_pixel_boxes_come_back_exactly():
    rng = np.random.default_rng(0)
    for height, width in ((7, 9), (480, 640), (1365, 1024), (9001, 9999)):
        near = rng.integers(0, [height, width], [500, 2])
        far = near + rng.integers(0, [height, width] - near + 1)
        pixels = np.concatenate([near, far], axis=1)
        boxes = (pixels / [height, width, height, width]).astype(np.float32)
        regions = region_ops.pixel_regions(tf.constant(boxes), height, width)
        np.testing.assert_array_equal(regions, pixels)


def test_box_that_is_not_finite_covers_the_photo():
    boxes = tf.constant([[np.nan, 0, 1, 1], [0, 0, np.inf, 0.5], [0.5, 0.5, 0.4, 0.6]])
    regions = region_ops.pixel_regions(boxes, 6, 10).numpy()
    np.testing.assert_array_equal(regions[:2], [[0, 0, 6, 10]] * 2)
    assert regions[2, 0] == regions[2, 2]


def test_mask_is_the_union_of_regions():
    regions = tf.constant([[1, 2, 4, 5], [3, 3, 6, 9], [2, 2, 2, 8]])
    expected = np.zeros([7, 9], bool)
    for top, left, bottom, right in regions.numpy():
        expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(region_ops.regions_mask(regions, 7, 9), expected)
    assert not region_ops.regions_mask(regions[:0], 7, 9).numpy().any()


@pytest.mark.parametrize("width", [1, 2, 3, 8, 29, 40])
def test_edits_follow_one_another_and_touch_nothing_else(width):
    photo = _photo(23, width)
    rng = np.random.default_rng(width)
    near = rng.integers(0, [23, width], [12, 2])
    far = rng.integers(near, np.array([23, width]) + 1)
    regions = np.concatenate([near, far], axis=1).astype(np.int32)
    expected = photo.copy()
    for top, left, bottom, right in regions:
        expected[top:bottom, left:right] = expected[top:bottom, left:right] // 2 + 9

    def edit(image):
        return region_ops.edit_regions(
            image, tf.constant(regions), lambda p, _: p // 2 + 9
        )

    np.testing.assert_array_equal(edit(tf.constant(photo)), expected)
    dataset = tf.data.Dataset.from_tensors(photo).repeat(4).map(edit, 2)
    for result in dataset:
        np.testing.assert_array_equal(result, expected)


def test_editing_leaves_the_given_photo_alone():
    photo = tf.constant(_photo(8, 8))
    before = photo.numpy().copy()
    edit = tf.function(
        lambda image: region_ops.edit_regions(
            image, tf.constant([[0, 0, 8, 8]]), lambda patch, _: patch * 0
        )
    )
    assert not edit(photo).numpy().any()
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("size, sigma", [(51, 8.0), (9, 1.7)])
def test_gaussian_kernel(size, sigma):
    offsets = np.arange(size) - (size - 1) / 2
    expected = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = filter_ops.gaussian_kernel(size)
    np.testing.assert_allclose(kernel, expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize("size", [1, 9, 51])
@pytest.mark.parametrize(
    "height, width", [(1, 1), (4, 5), (25, 26), (30, 20), (52, 51), (103, 160), (1, 77)]
)
def test_blur_is_the_convolution_rounded(height, width, size):
    patch, kernel = _photo(height, width), filter_ops.gaussian_kernel(size)
    result = filter_ops.blur(tf.constant(patch), kernel).numpy()
    assert result.dtype == np.uint8
    # Half a level is rounding, the rest is float32 against float64 at a tie.
    exact = _convolved(patch, kernel)
    assert np.abs(result - exact).max() <= 0.5 + 1e-4


def test_blur_keeps_a_flat_patch():
    for level in (0, 1, 254, 255):
        patch = tf.fill([70, 31, 3], tf.constant(level, tf.uint8))
        result = filter_ops.blur(patch, filter_ops.gaussian_kernel(51))
        np.testing.assert_array_equal(result, patch)


def _pixelated(patch, cells):
    """Pixelate in whole numbers: each pixel is split into cells x cells equal parts."""
    height, width = patch.shape[:2]
    rows, columns = min(cells, height), min(cells, width)
    parts = patch.astype(np.int64).repeat(rows, axis=0).repeat(columns, axis=1)
    parts = parts.reshape(rows, height, columns, width, 3)
    sums, area = parts.sum(axis=(1, 3)), height * width
    means = (2 * sums + area) // (2 * area)
    centres = np.arange(height) + 0.5, np.arange(width) + 0.5
    row = np.floor(centres[0] * rows / height).astype(int)
    column = np.floor(centres[1] * columns / width).astype(int)
    return means[row][:, column]


@pytest.mark.parametrize("cells", [1, 8, 16])
@pytest.mark.parametrize(
    "height, width", [(1, 1), (3, 20), (8, 8), (9, 10), (16, 24), (37, 53), (120, 90)]
)
def test_pixelate_is_exact(height, width, cells):
    patch = _photo(height, width)
    result = filter_ops.pixelate(tf.constant(patch), (cells, cells))
    np.testing.assert_array_equal(result, _pixelated(patch, cells))


def test_pixelate_equals_opencv_where_cells_are_whole():
    cv2 = pytest.importorskip("cv2")
    patch = _photo(72, 40)
    cells = cv2.resize(patch.astype(np.float64), (8, 8), interpolation=cv2.INTER_AREA)
    means = np.floor(cells + 0.5).astype(np.uint8)
    expected = cv2.resize(means, (40, 72), interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(
        filter_ops.pixelate(tf.constant(patch), (8, 8)), expected
    )


def test_halves_round_up():
    patch = np.zeros([2, 2, 3], np.uint8)
    patch[0] = 1
    assert (filter_ops.pixelate(tf.constant(patch), (1, 1)).numpy() == 1).all()
