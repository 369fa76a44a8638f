"""Decoding, suppression and voting against the published code (dsfd.md, section 16)."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import boxes as box_ops
from safefakes_tf.config import InferenceConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import inference as detect

TOLERANCE = 1e-5
CASES = "abc"


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("dsfd_decode_nms")


def second_shot_anchors(arrays, case):
    return anchor_ops.anchors(*arrays[f"{case}_size"].tolist(), "second_shot")


@pytest.mark.parametrize("case", CASES)
def test_decode(arrays, case):
    decoded = box_ops.decode(
        tf.constant(arrays[f"{case}_loc"]), second_shot_anchors(arrays, case)
    ).numpy()
    part = decoded[:, :: int(arrays[f"{case}_decoded_stride"])]
    np.testing.assert_allclose(
        part[..., [1, 0, 3, 2]],
        arrays[f"{case}_decoded_sub"],
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )


@pytest.mark.parametrize("case", CASES)
def test_detections(arrays, case):
    threshold, overlap, candidates, most = arrays["params"].tolist()
    inference = dataclasses.replace(
        InferenceConfig(),
        score_threshold=threshold,
        nms_iou=overlap,
        max_candidates=int(candidates),
        max_detections=int(most),
    )
    anchors = second_shot_anchors(arrays, case)
    for photo, count in enumerate(arrays[f"{case}_num_det"]):
        outputs = {
            "boxes": tf.constant(arrays[f"{case}_loc"][photo]),
            "logits": tf.constant(arrays[f"{case}_logits"][photo]),
        }
        scores = tf.nn.softmax(outputs["logits"])[:, 1]
        assert np.sum(scores > threshold) == arrays[f"{case}_num_above"][photo]
        got = detect.detections_from_outputs(outputs, anchors, inference).numpy()
        expected = arrays[f"{case}_det"][photo, :count]
        np.testing.assert_allclose(
            got[:, [0, 2, 1, 4, 3]], expected, rtol=TOLERANCE, atol=TOLERANCE
        )


def test_vote(arrays):
    found = arrays["vote_in"]
    boxes, scores = box_ops.vote(found[:, :4], found[:, 4])
    np.testing.assert_allclose(
        np.column_stack([boxes, scores]),
        arrays["vote_out"],
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )
