"""Matching against the published code's (dsfd.md, section 16)."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import boxes as box_ops
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import matching

THRESHOLD = 0.35
SHOTS = {"s1": "first_shot", "s2": "second_shot"}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("dsfd_match")


def match(corners, anchors):
    boxes = tf.constant(corners[:, [1, 0, 3, 2]])
    num_boxes = tf.constant([len(corners)])
    labels, offsets = matching.match(boxes[None], num_boxes, anchors, THRESHOLD)
    return labels[0].numpy(), offsets[0].numpy()


@pytest.mark.parametrize("shot", SHOTS)
def test_cases(arrays, shot):
    anchors = anchor_ops.anchors(*arrays["size"].tolist(), SHOTS[shot])
    for case in arrays["cases"]:
        key = f"{case}_{shot}"
        labels, offsets = match(arrays[f"{case}_gt"], anchors)
        expected = arrays[f"{key}_conf"]
        clear = ~arrays[f"{key}_ambiguous"]
        np.testing.assert_array_equal(labels[clear], expected[clear], err_msg=key)
        positive = clear & (expected == 1)
        np.testing.assert_allclose(
            offsets[positive],
            arrays[f"{key}_loc"][positive],
            rtol=1e-4,
            atol=1e-5,
            err_msg=key,
        )
        assert not offsets[labels == 0].any()


@pytest.mark.parametrize("shot", SHOTS)
def test_every_face_has_the_best_anchor(arrays, shot):
    anchors = anchor_ops.anchors(*arrays["size"].tolist(), SHOTS[shot])
    for case in arrays["cases"]:
        key = f"{case}_{shot}"
        faces = arrays[f"{case}_gt"]
        if not len(faces):
            continue
        overlaps = box_ops.iou(
            tf.constant(faces[:, [1, 0, 3, 2]]), box_ops.from_centre_size(anchors)
        ).numpy()
        best = arrays[f"{key}_best_prior_idx"]
        clear = ~arrays[f"{key}_tie_gt"]
        np.testing.assert_array_equal(overlaps.argmax(axis=1)[clear], best[clear])
        np.testing.assert_allclose(
            overlaps.max(axis=1), arrays[f"{key}_best_prior_iou"], atol=1e-6
        )
        labels, _ = match(faces, anchors)
        assert labels[best[clear]].all()


@pytest.mark.parametrize("shot", SHOTS)
def test_training_size(arrays, shot):
    faces = arrays["big640_gt"]
    labels, offsets = match(faces, anchor_ops.anchors(640, 640, SHOTS[shot]))
    if arrays[f"big640_{shot}_tie_gt"].any():
        # Ties: the choice between equals may differ, not how many are positive.
        assert abs(labels.sum() - len(arrays[f"big640_{shot}_pos_idx"])) <= len(faces)
        return
    index = arrays[f"big640_{shot}_pos_idx"]
    np.testing.assert_array_equal(np.flatnonzero(labels), index)
    np.testing.assert_allclose(
        offsets[index], arrays[f"big640_{shot}_pos_loc"], rtol=1e-4, atol=1e-5
    )
