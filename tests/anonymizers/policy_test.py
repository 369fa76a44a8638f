"""Which faces are kept, generated or blacked out."""

import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers import policy
from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces


def _decide(boxes, min_width, height=600, width=1024):
    count = len(boxes)
    boxes = tf.constant(boxes, tf.float32, [count, 4])
    faces = Faces(boxes, tf.zeros([count, 0, 2]), tf.zeros([count], tf.bool))
    action = policy.decide(faces, height, width, min_width)
    assert action.dtype == tf.int64
    return action.numpy().tolist()


def test_faces_narrower_than_the_least_width_are_kept():
    starts = np.arange(0, 900, 7) / 1024
    for pixels, expected in ((9, KEPT), (9.9, KEPT), (10, GENERATED), (11, GENERATED)):
        boxes = [[0.1, x, 0.3, x + pixels / 1024] for x in starts]
        assert set(_decide(boxes, min_width=10)) == {expected}


def test_width_counts_not_height():
    flat, tall = [0.1, 0.1, 0.101, 0.5], [0.1, 0.1, 0.9, 0.105]
    assert _decide([flat, tall], min_width=10) == [GENERATED, KEPT]


def test_width_is_that_of_the_whole_face_not_of_its_part_in_the_photo():
    assert _decide([[0.1, -0.1, 0.2, 0.004]], min_width=10) == [GENERATED]


def test_strict_setting_keeps_no_face_that_shows():
    tiny, empty, outside = [0.5, 0.5, 0.5001, 0.5001], [0.5] * 4, [0.1, 1.1, 0.2, 1.2]
    assert _decide([tiny, empty, outside], min_width=0) == [GENERATED, KEPT, KEPT]


def test_box_that_is_not_finite_blacks_out_all_faces():
    good = [0.1, 0.1, 0.5, 0.5]
    for bad in (np.nan, np.inf, -np.inf):
        assert _decide([good, [0.1, bad, 0.2, 0.3]], 10) == [BLACKED_OUT] * 2


def test_no_faces():
    assert _decide([], min_width=10) == []
