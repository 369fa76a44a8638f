"""Which faces are kept, generated or blacked out."""

import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers import policy
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import (
    ACTION,
    BBOX,
    BBOX_PIXELS,
    BLACKED_OUT,
    FILENAME,
    GENERATED,
    IMAGE,
    KEPT,
    Faces,
)


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


def test_a_face_of_a_record_is_as_wide_as_annotated():
    """What a data set stores relative to the photo ends at its border."""
    blackout = anonymizers.create("blackout", AnonymizationConfig(), seed=0)
    record = {
        IMAGE: tf.fill([40, 60, 3], tf.constant(200, tf.uint8)),
        FILENAME: tf.constant("a.jpg"),
        BBOX: tf.constant([[0.0, 0.0, 1.0, 9 / 60]]),
        BBOX_PIXELS: tf.constant([[-91, 0, 100, 40]]),
    }
    result = blackout(record)
    assert result[ACTION].numpy().tolist() == [GENERATED]
    assert not result[IMAGE].numpy()[:, :9].any()
    assert result[IMAGE].numpy()[:, 9:].all()
