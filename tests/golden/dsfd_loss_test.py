"""The progressive anchor loss against the published one (dsfd.md, section 16)."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import LossConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import losses as dsfd_losses
from safefakes_tf.detectors.dsfd import matching

SHOTS = {"s1": "first_shot", "s2": "second_shot"}
TOLERANCE = 1e-4


@pytest.fixture(scope="module", params="abcd")
def case(request, golden):
    """Return (golden arrays, case, predictions, losses, gradients) of one case."""
    arrays, name = golden("dsfd_loss"), request.param
    outputs = {
        shot: {
            "boxes": tf.constant(arrays[f"{name}_{key}_loc_pred"]),
            "logits": tf.constant(arrays[f"{name}_{key}_conf_pred"]),
        }
        for key, shot in SHOTS.items()
    }
    anchors = {
        shot: anchor_ops.anchors(*arrays["size"].tolist(), shot)
        for shot in SHOTS.values()
    }
    boxes = tf.constant(arrays[f"{name}_gt"][..., [1, 0, 3, 2]])
    counts = tf.constant(arrays[f"{name}_num_gt"], tf.int32)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        losses = dsfd_losses.progressive_anchor_loss(
            outputs, boxes, counts, anchors, LossConfig()
        )
    labels = {
        shot: matching.match(boxes, counts, anchors[shot], 0.35)[0].numpy()
        for shot in SHOTS.values()
    }
    return arrays, name, losses, tape.gradient(losses["total"], outputs), labels


@pytest.mark.parametrize("key", SHOTS)
def test_losses(case, key):
    arrays, name, losses, _, _ = case
    for kind, stored in (("boxes", "loc"), ("logits", "conf")):
        np.testing.assert_allclose(
            losses[f"{SHOTS[key]}_{kind}"],
            arrays[f"{name}_{key}_loss_{stored}"],
            rtol=TOLERANCE,
        )
    np.testing.assert_allclose(losses["total"], arrays[f"{name}_total"], rtol=TOLERANCE)


@pytest.mark.parametrize("key", SHOTS)
def test_positives_and_mined_negatives(case, key):
    arrays, name, _, gradients, labels = case
    positives = labels[SHOTS[key]]
    np.testing.assert_array_equal(
        positives.sum(axis=1), arrays[f"{name}_{key}_num_pos"]
    )
    # An anchor takes part in the loss where its logits have a gradient.
    used = np.any(gradients[SHOTS[key]]["logits"].numpy() != 0, axis=-1)
    np.testing.assert_array_equal(used, arrays[f"{name}_{key}_used_mask"])


@pytest.mark.parametrize("key", SHOTS)
def test_gradients(case, key):
    arrays, name, _, gradients, _ = case
    for kind, stored in (("boxes", "loc"), ("logits", "conf")):
        expected = np.zeros(gradients[SHOTS[key]][kind].shape, np.float32)
        index = arrays[f"{name}_{key}_grad_{stored}_idx"]
        expected[index[:, 0], index[:, 1]] = arrays[f"{name}_{key}_grad_{stored}_val"]
        np.testing.assert_allclose(
            gradients[SHOTS[key]][kind], expected, rtol=TOLERANCE, atol=1e-7
        )
