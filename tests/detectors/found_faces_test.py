import numpy as np
import pytest

from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import found_faces, registry


class Fixed:
    """A detector that finds the same on every photo."""

    def __init__(self, rows):
        self._rows = np.float32(rows).reshape(-1, 5)

    def detect(self, photo):
        return self._rows


PHOTO = np.zeros([100, 200, 3], np.uint8)


def test_boxes_grow_on_each_side_and_stay_in_the_photo():
    rows = [[0.25, 0.25, 0.5, 0.75, 0.625], [0.75, 0.0, 0.9375, 0.5, 1.25]]
    found = found_faces.find(Fixed(rows), PHOTO, margin=0.25)
    np.testing.assert_array_equal(found.boxes, [[171, 0, 29, 63], [93, 12, 39, 76]])
    np.testing.assert_array_equal(found.scores, [0.75, 0.25])


def test_boxes_cover_all_pixels_that_they_touch():
    rows = [[0.9, 0.101, 0.101, 0.199, 0.199]]
    found = found_faces.find(Fixed(rows), PHOTO, margin=0.0)
    np.testing.assert_array_equal(found.boxes, [[20, 10, 20, 10]])


def test_a_photo_without_faces():
    rows = [[0.9, 0.5, 1.5, 0.6, 1.6]]  # beside it
    for each in ([], rows):
        found = found_faces.find(Fixed(each), PHOTO, margin=0.15)
        assert found.boxes.shape == (0, 4)
        assert found.scores.shape == (0,)


def test_mistakes_are_told():
    with (
        pytest.raises(ValueError, match=r"--detector must be one of centerface, dsfd,"),
        registry.opened(DetectionConfig(detector="center")),
    ):
        pass
    for weights, got in ((None, "nothing"), ("gone.h5", r"gone\.h5")):
        with (
            pytest.raises(ValueError, match=f"needs --detector_weights: .* got {got}"),
            registry.opened(DetectionConfig(detector="dsfd", weights=weights)),
        ):
            pass
