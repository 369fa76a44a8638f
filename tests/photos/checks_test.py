"""Boxes that cannot be of the photo they are annotated on."""

import numpy as np
import pytest

from safefakes_tf.photos import checks
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes


def check(*boxes):
    photo = PhotoBoxes("a.jpg", np.array(boxes, np.float64))
    checks.check_fit(photo, (48, 64), turned=False)


def test_boxes_of_a_pixel_and_beyond_the_border_fit():
    check([3, 4, 1, 1], [-20, -3, 60, 40], [-32, -26, 128, 100])


@pytest.mark.parametrize("box", [[5, 5, 15, 1e-320], [0.1, 0.2, 0.05, 0.08]])
def test_a_box_that_would_hide_nothing_is_refused(box):
    """One relative to the photo, among others in pixels, left its face to be seen."""
    with pytest.raises(ValueError, match=r"^face 1 of a.jpg.* less than half a pixel"):
        check([3, 4, 10, 12], box)
