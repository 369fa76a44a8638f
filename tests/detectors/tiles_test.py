import numpy as np
import pytest

from safefakes_tf.detectors import tiles


@pytest.mark.parametrize("size", [(700, 1000), (3000, 4000), (90, 20_000), (5, 7)])
def test_what_is_smaller_than_the_overlap_lies_in_a_tile_whole(size):
    overlap = 96
    grid = np.array(tiles.grid(*size, 768 * 1024, overlap))
    assert (np.prod(grid[:, 2:] - grid[:, :2], axis=1) <= 768 * 1024).all()
    assert (grid[:, :2].min(axis=0) == 0).all()
    assert (grid[:, 2:].max(axis=0) == size).all()
    rng = np.random.default_rng(0)
    for _ in range(200):
        extent = np.minimum(rng.integers(1, overlap, 2), size)
        near = rng.integers(0, np.array(size) - extent + 1)
        inside = (grid[:, :2] <= near) & (grid[:, 2:] >= near + extent)
        assert inside.all(axis=1).any()


def test_a_photo_that_is_small_enough_is_one_tile():
    (tile,) = tiles.grid(768, 1024, 768 * 1024, 96)
    np.testing.assert_array_equal(tile, [0, 0, 768, 1024])


def test_boxes_that_a_tile_cuts_are_told_from_those_at_the_border_of_the_photo():
    tile = np.array([0, 100, 100, 200])
    boxes = np.array(
        [
            [0, 120, 50, 150],  # at the upper border of the photo
            [20, 100, 50, 150],  # cut at the left
            [60, 120, 99, 150],  # cut below
            [20, 150, 50, 200],  # at the right border of the photo
        ]
    )
    whole = tiles.is_whole(boxes, tile, (300, 200))
    np.testing.assert_array_equal(whole, [True, False, False, True])


def test_the_overlap_of_boxes_in_pairs():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 1, 1]])
    others = np.array([[0, 1, 2, 3], [5, 5, 6, 6], [1, 1, 1, 1]])
    np.testing.assert_allclose(tiles.iou(boxes, others), [1 / 3, 0, 0])


def test_the_better_of_two_that_overlap_stays():
    detections = np.array(
        [[0.5, 0, 0, 10, 10], [0.9, 1, 1, 11, 11], [0.3, 50, 50, 60, 60]]
    )
    np.testing.assert_array_equal(tiles.join(detections, 0.3), detections[[1, 2]])
    assert tiles.join(np.zeros([0, 5]), 0.3).shape == (0, 5)
