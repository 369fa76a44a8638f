"""The grid of labelled pictures."""

import numpy as np
import pytest

from safefakes_tf.contact_sheet import LABEL_HEIGHT, MARGIN, contact_sheet


def _flat(height, width, level):
    return np.full([height, width, 3], level, np.uint8)


def test_pictures_lie_under_their_labels_at_cell_size():
    rows = [[_flat(4, 4, 10), _flat(300, 600, 20)], [_flat(9, 1, 30), _flat(1, 1, 40)]]
    sheet = contact_sheet(rows, ["one", "two"], ["first", "second"], cell=64)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == MARGIN + 2 * (64 + MARGIN)
    top, left = 2 * LABEL_HEIGHT + MARGIN, MARGIN
    pitch = 64 + MARGIN + LABEL_HEIGHT
    assert (sheet[top : top + 64, left : left + 64] == 10).all()
    second = left + 64 + MARGIN
    assert (sheet[top : top + 32, second : second + 64] == 20).all()
    assert (sheet[top + 32 : top + 64, second : second + 64] == 255).all()
    assert (sheet[top + pitch : top + pitch + 64, left : left + 7] == 30).all()
    assert (sheet[:LABEL_HEIGHT, left : left + 64] < 255).any()


def test_small_pictures_are_enlarged_pixel_by_pixel():
    picture = np.random.default_rng(0).integers(0, 256, [8, 8, 3], np.uint8)
    sheet = contact_sheet([[picture]], ["a"], ["b"], cell=32)
    top = 2 * LABEL_HEIGHT + MARGIN
    enlarged = sheet[top : top + 32, MARGIN : MARGIN + 32]
    np.testing.assert_array_equal(enlarged, picture.repeat(4, axis=0).repeat(4, axis=1))


def test_numbers_of_pictures_and_labels_must_agree():
    picture = _flat(4, 4, 0)
    with pytest.raises(ValueError, match=r"1 rows of 2 pictures.*rows of \[1\]"):
        contact_sheet([[picture]], ["a", "b"], ["c"])
