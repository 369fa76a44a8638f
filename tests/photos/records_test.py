"""Boxes in pixels become those of a record."""

import numpy as np

from safefakes_tf import faces
from safefakes_tf.photos import records

BOXES = np.int32([[8, 8, 30, 30], [-3, -4, 10, 10], [5, 6, -2, 4], [60, 40, 9, 20]])


def test_boxes_are_kept_in_pixels_and_clamped_in_relative_form():
    record = records.from_pixel_boxes(BOXES, 48, 64)
    np.testing.assert_array_equal(record[faces.BBOX_PIXELS], BOXES)
    assert record[faces.BBOX].dtype == np.float32
    np.testing.assert_allclose(
        record[faces.BBOX] * [48, 64, 48, 64],
        [[8, 8, 38, 38], [0, 0, 6, 7], [6, 5, 10, 5], [40, 60, 48, 64]],
        atol=1e-5,
    )


def test_relative_boxes_may_reach_beyond_the_photo():
    boxes = records.relative(BOXES[[1, 3]] + 0.5, 48, 64)
    assert boxes.dtype == np.float32
    np.testing.assert_allclose(
        boxes * [48, 64, 48, 64],
        [[-3.5, -2.5, 7, 8], [40.5, 60.5, 61, 70]],
        atol=1e-5,
    )


def test_a_photo_without_faces():
    record = records.from_pixel_boxes(np.zeros([0, 4], np.int32), 48, 64)
    assert record[faces.BBOX].shape == record[faces.BBOX_PIXELS].shape == (0, 4)
