"""The filters of the study against independent NumPy and OpenCV ones."""

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import ACTION, BBOX, FILENAME, GENERATED, IMAGE, KEPT

SIZE = (150, 200)
# Pixels: top, left, bottom, right; sides are multiples of 16. The third overlaps both.
REGIONS = np.array([[10, 20, 90, 100], [30, 120, 110, 184], [60, 70, 140, 150]])


def _run(name, regions=REGIONS, size=SIZE, **options):
    photo = np.random.default_rng(3).integers(0, 256, [*size, 3], np.uint8)
    boxes = (np.reshape(regions, [-1, 4]) / [*size, *size]).astype(np.float32)
    options = {"min_width": 0, **options}
    method = anonymizers.create(name, AnonymizationConfig(**options), seed=0)
    record = {IMAGE: tf.constant(photo), FILENAME: tf.constant("a"), BBOX: boxes}
    result = method(record)
    return photo, result[IMAGE].numpy(), result[ACTION].numpy()


def _check_in_turn(name, edit, **options):
    """Check box after box against a filter in float64, each on what was left before."""
    before, _, _ = _run(name, REGIONS[:0], **options)
    for count, (top, left, bottom, right) in enumerate(REGIONS, start=1):
        _, after, action = _run(name, REGIONS[:count], **options)
        expected = before.astype(np.float64)
        patch = expected[top:bottom, left:right]
        expected[top:bottom, left:right] = edit(patch)
        _assert_rounded(after, expected)
        assert action.tolist() == [GENERATED] * count
        before = after


def _blurred(patch, size, sigma):
    """Blur in float64; OpenCV on a crop knows nothing of what lies around it."""
    return cv2.GaussianBlur(
        patch.astype(np.float64), (size, size), sigma, borderType=cv2.BORDER_REFLECT_101
    )


def _assert_rounded(result, exact):
    """Half a level is rounding, the rest is float32 against float64 at a tie."""
    assert np.abs(result - exact).max() <= 0.5 + 1e-4


def test_original_changes_nothing_and_keeps_all():
    photo, result, action = _run("original")
    np.testing.assert_array_equal(result, photo)
    assert (action == KEPT).all()


def test_blackout():
    _check_in_turn("blackout", np.zeros_like)


def test_blur_equals_opencv():
    _check_in_turn("blur", lambda patch: _blurred(patch, 51, 8.0))


def test_blur_reads_nothing_around_the_box():
    photo, result, _ = _run("blur", REGIONS[:1])
    top, left, bottom, right = REGIONS[0]
    alone = photo[top:bottom, left:right]
    method = anonymizers.create("blur", AnonymizationConfig(), seed=0)
    record = {IMAGE: alone, FILENAME: "b", BBOX: [[0.0, 0.0, 1.0, 1.0]]}
    np.testing.assert_array_equal(
        result[top:bottom, left:right], method(record)[IMAGE].numpy()
    )


def test_fullblur_equals_opencv_and_keeps_none():
    photo, result, action = _run("fullblur", [[5, 5, 8, 8], [40, 40, 90, 90]])
    np.testing.assert_array_equal(result, cv2.GaussianBlur(photo, (9, 9), 1.7))
    rounded = np.floor(_blurred(photo, 9, 1.7) + 0.5)
    assert np.abs(result - rounded).max() <= 1
    assert (action == GENERATED).all()


def test_fullblur_with_a_longer_kernel_is_as_exact_as_blur():
    photo, result, _ = _run("fullblur", fullblur_kernel=21)
    _assert_rounded(result, _blurred(photo, 21, 3.5))


@pytest.mark.parametrize("kernel", [1, 5, 9, 11])
@pytest.mark.parametrize("size", [(2, 90), (90, 4), (5, 5), (64, 131)])
def test_fullblur_is_the_same_in_all_ways(kernel, size):
    """These are OpenCV's pixels, directly and in map stages, and TensorFlow's."""
    config = AnonymizationConfig(fullblur_kernel=kernel)
    method = anonymizers.create("fullblur", config, seed=0)
    photo = np.random.default_rng(5).integers(0, 256, [*size, 3], np.uint8)
    record = {IMAGE: photo, FILENAME: "a", BBOX: np.float32([[0.1, 0.1, 0.9, 0.9]])}
    inputs = method.inputs({key: tf.constant(value) for key, value in record.items()})
    expected, action = tf.function(method.apply)(*inputs)
    [mapped] = tf.data.Dataset.from_tensors(record).map(method)
    begun = method.begin(*inputs)
    for image, actions in (
        (mapped[IMAGE], mapped[ACTION]),
        (method(record)[IMAGE], method(record)[ACTION]),
        (begun[0], begun[1]),
    ):
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_array_equal(actions, action)


@pytest.mark.parametrize("cells", [8, 16])
def test_pixelate_equals_opencv(cells):
    def pixelated(patch):
        size = patch.shape[1::-1]
        means = cv2.resize(patch, (cells, cells), interpolation=cv2.INTER_AREA)
        return cv2.resize(means, size, interpolation=cv2.INTER_NEAREST_EXACT)

    _check_in_turn("pixelate", pixelated, pixelate_cells=cells)


def test_pixelated_box_no_larger_than_the_grid_is_kept():
    regions = [[10, 10, 17, 16], [30, 30, 38, 38], [50, 50, 58, 59], [70, 70, 90, 75]]
    photo, result, action = _run("pixelate", regions)
    assert action.tolist() == [KEPT, KEPT, GENERATED, GENERATED]
    np.testing.assert_array_equal(result[:48], photo[:48])
    assert (result[50:58, 50:59] != photo[50:58, 50:59]).any()
    assert (result[70:90, 70:75] != photo[70:90, 70:75]).any()


def test_narrow_faces_are_left_alone():
    for name in ("blackout", "blur", "pixelate"):
        photo, result, action = _run(name, [[10, 10, 40, 19]], min_width=10)
        np.testing.assert_array_equal(result, photo)
        assert action.tolist() == [KEPT]


@pytest.mark.parametrize(
    "name, option, value",
    [
        ("blur", "blur_kernel", 50),
        ("fullblur", "fullblur_kernel", -3),
        ("pixelate", "pixelate_cells", 0),
        ("blackout", "min_width", -1),
    ],
)
def test_options_out_of_range_are_refused(name, option, value):
    config = dataclasses.replace(AnonymizationConfig(), **{option: value})
    with pytest.raises(ValueError, match=f"anonymization.{option} .*got {value}"):
        anonymizers.create(name, config, seed=0)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"one of original, blackout, .*got blurr"):
        anonymizers.create("blurr", AnonymizationConfig(), seed=0)
