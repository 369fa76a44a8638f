import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import LossConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import losses as dsfd_losses
from safefakes_tf.detectors.dsfd import matching

SIZE = (64, 96)
CONFIG = LossConfig()


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def anchors():
    return {shot: anchor_ops.anchors(*SIZE, shot) for shot in anchor_ops.SHOTS}


def draw_faces(rng, count):
    centres = rng.uniform(0.1, 0.9, (count, 2))
    halves = rng.uniform(0.02, 0.3, (count, 1)) * rng.uniform(0.8, 1.2, (count, 2))
    return np.concatenate(
        [centres - halves, centres + halves], axis=1, dtype=np.float32
    )


def draw_batch(rng, counts, anchors, rows=None):
    faces = np.zeros([len(counts), rows or max(counts), 4], np.float32)
    for photo, count in enumerate(counts):
        faces[photo, :count] = draw_faces(rng, count)
    outputs = {}
    for shot, boxes in anchors.items():
        shape = (len(counts), len(boxes))
        outputs[shot] = {
            "boxes": tf.constant(rng.normal(size=(*shape, 4)).astype(np.float32)),
            "logits": tf.constant(rng.normal(size=(*shape, 2)).astype(np.float32)),
        }
    return outputs, tf.constant(faces), tf.constant(counts, tf.int32)


def match_photo(faces, count, anchors):
    labels, offsets = matching.match(faces[None], tf.constant([count]), anchors, 0.35)
    return labels[0], offsets[0]


def overlap(face, anchor):
    # float32 throughout: a face inside several anchors of one size is an exact tie
    # otherwise, and the reference's rounding decides (dsfd.md, section 13).
    cx, cy, w, h = anchor
    half = np.float32(0.5)
    left, top, right, bottom = (
        cx - w * half,
        cy - h * half,
        cx + w * half,
        cy + h * half,
    )
    y1, x1, y2, x2 = face
    wide = max(min(x2, right) - max(x1, left), np.float32(0))
    high = max(min(y2, bottom) - max(y1, top), np.float32(0))
    inside = wide * high
    return inside / ((x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - inside)


def slow_match(faces, anchors, threshold):
    """Match one anchor and one face at a time, as dsfd.md words it."""
    table = np.array([[overlap(f, a) for a in anchors] for f in faces])
    best_face, best = table.argmax(axis=0), table.max(axis=0)
    for number, anchor in enumerate(table.argmax(axis=1)):
        best_face[anchor], best[anchor] = number, 2
    labels = (best >= threshold).astype(np.int32)
    offsets = np.zeros([len(anchors), 4])
    for index in np.flatnonzero(labels):
        y1, x1, y2, x2 = faces[best_face[index]]
        cx, cy, w, h = anchors[index]
        offsets[index] = [
            ((x1 + x2) / 2 - cx) / (0.1 * w),
            ((y1 + y2) / 2 - cy) / (0.1 * h),
            np.log((x2 - x1) / w) / 0.2,
            np.log((y2 - y1) / h) / 0.2,
        ]
    return labels, offsets


def slow_sums(boxes, logits, labels, offsets):
    """Sum the losses of one photo anchor by anchor."""
    boxes_sum, logits_sum, negatives = 0.0, 0.0, []
    for box, pair, label, offset in zip(boxes, logits, labels, offsets, strict=True):
        entropy = np.log(np.exp(pair - pair[label]).sum())
        if label:
            distance = np.abs(box - offset)
            boxes_sum += np.where(distance < 1, distance**2 / 2, distance - 0.5).sum()
            logits_sum += entropy
        else:
            negatives.append(entropy)
    wanted = min(3 * labels.sum(), len(labels) - 1)
    return boxes_sum, logits_sum + sum(sorted(negatives)[::-1][:wanted]), labels.sum()


@pytest.mark.parametrize("shot", anchor_ops.SHOTS)
@pytest.mark.parametrize("count", [1, 6, 40])
def test_match_is_that_of_a_plain_loop(rng, anchors, shot, count):
    faces = draw_faces(rng, count)
    labels, offsets = match_photo(faces, count, anchors[shot])
    expected_labels, expected_offsets = slow_match(faces, anchors[shot].numpy(), 0.35)
    np.testing.assert_array_equal(labels, expected_labels)
    np.testing.assert_allclose(offsets, expected_offsets, rtol=1e-3, atol=1e-4)


def test_match_of_no_face(anchors):
    for boxes in (np.zeros([0, 4], np.float32), np.zeros([3, 4], np.float32)):
        labels, offsets = match_photo(boxes, 0, anchors["first_shot"])
        assert not labels.numpy().any()
        assert not offsets.numpy().any()


def test_the_later_face_owns_a_shared_anchor():
    anchor = np.float32([[0.5, 0.5, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1]])
    faces = np.float32([[0.4, 0.4, 0.6, 0.6], [0.35, 0.35, 0.65, 0.65]])
    _, offsets = match_photo(faces, 2, tf.constant(anchor))
    np.testing.assert_allclose(offsets[0, 2:], np.log([1.5, 1.5]) / 0.2, rtol=1e-5)


def test_the_first_of_equal_anchors_is_taken():
    anchors = tf.constant(np.float32([[0.5, 0.5, 0.1, 0.1]] * 4))
    face = np.float32([[0.49, 0.49, 0.51, 0.51]])
    labels, _ = match_photo(face, 1, anchors)
    np.testing.assert_array_equal(labels, [1, 0, 0, 0])


@pytest.mark.parametrize("counts", [(3, 0, 12), (0, 0), (200,)])
def test_sums_are_those_of_a_plain_loop(rng, anchors, counts):
    outputs, boxes, num_boxes = draw_batch(rng, counts, anchors)
    for shot in anchor_ops.SHOTS:
        got = dsfd_losses.multibox_sums(
            outputs[shot], boxes, num_boxes, anchors[shot], CONFIG
        )
        labels, offsets = matching.match(boxes, num_boxes, anchors[shot], 0.35)
        expected = np.sum(
            [
                slow_sums(
                    outputs[shot]["boxes"].numpy()[photo],
                    outputs[shot]["logits"].numpy()[photo],
                    labels.numpy()[photo],
                    offsets.numpy()[photo],
                )
                for photo in range(len(counts))
            ],
            axis=0,
        )
        np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_padding_has_no_effect(rng, anchors):
    outputs, boxes, num_boxes = draw_batch(rng, (3, 5), anchors)
    padded = tf.pad(boxes, [[0, 0], [0, 9], [0, 0]], constant_values=0.3)
    losses = [
        dsfd_losses.progressive_anchor_loss(outputs, rows, num_boxes, anchors, CONFIG)
        for rows in (boxes, padded)
    ]
    for name, value in losses[0].items():
        assert value == losses[1][name], name


@pytest.mark.parametrize("counts", [(2, 0), (9, 4), (150, 1)])
def test_mined_negatives_are_three_per_positive(rng, anchors, counts):
    outputs, boxes, num_boxes = draw_batch(rng, counts, anchors)
    shot = outputs["second_shot"]
    with tf.GradientTape() as tape:
        tape.watch(shot)
        sums = dsfd_losses.multibox_sums(
            shot, boxes, num_boxes, anchors["second_shot"], CONFIG
        )
    gradient = tape.gradient(sums.logits, shot)["logits"]
    used = np.any(gradient.numpy() != 0, axis=-1)
    labels, _ = matching.match(boxes, num_boxes, anchors["second_shot"], 0.35)
    positive = labels.numpy() == 1
    assert used[positive].all()
    negatives = (used & ~positive).sum(axis=1)
    available = (~positive).sum(axis=1)
    np.testing.assert_array_equal(
        negatives, np.minimum(3 * positive.sum(axis=1), available)
    )


def test_equal_negatives_are_counted_exactly(rng, anchors):
    outputs, boxes, num_boxes = draw_batch(rng, (4,), anchors)
    logits = tf.zeros_like(outputs["first_shot"]["logits"])
    shot = {**outputs["first_shot"], "logits": logits}
    sums = dsfd_losses.multibox_sums(
        shot, boxes, num_boxes, anchors["first_shot"], CONFIG
    )
    np.testing.assert_allclose(
        sums.logits, 4 * sums.num_positives * np.log(2), rtol=1e-5
    )


def test_huge_logits_stay_finite(rng, anchors):
    outputs, boxes, num_boxes = draw_batch(rng, (4, 0), anchors)
    outputs = tf.nest.map_structure(lambda values: values * 1e4, outputs)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        losses = dsfd_losses.progressive_anchor_loss(
            outputs, boxes, num_boxes, anchors, CONFIG
        )
    gradients = tape.gradient(losses["total"], outputs)
    for value in [*losses.values(), *tf.nest.flatten(gradients)]:
        assert np.isfinite(value).all()


def test_halves_of_a_batch_add_up_to_the_whole(rng, anchors):
    outputs, boxes, num_boxes = draw_batch(rng, (3, 5, 0, 17), anchors)
    whole = dsfd_losses.progressive_anchor_loss(
        outputs, boxes, num_boxes, anchors, CONFIG
    )
    halves = [slice(0, 2), slice(2, 4)]
    parts = [
        (
            tf.nest.map_structure(lambda values, half=half: values[half], outputs),
            boxes[half],
            num_boxes[half],
        )
        for half in halves
    ]
    seen = []

    def record(values):
        seen.append(values)
        return values

    for part in parts:
        dsfd_losses.progressive_anchor_loss(*part, anchors, CONFIG, record)
    total = tf.add_n(seen)
    losses = [
        dsfd_losses.progressive_anchor_loss(*part, anchors, CONFIG, lambda _: total)
        for part in parts
    ]
    for name, value in whole.items():
        np.testing.assert_allclose(losses[0][name] + losses[1][name], value, rtol=1e-5)


def test_graph_equals_eager(rng, anchors):
    outputs, boxes, num_boxes = draw_batch(rng, (3, 0), anchors, rows=5)
    signature = [
        tf.nest.map_structure(lambda v: tf.TensorSpec([None, *v.shape[1:]]), outputs),
        tf.TensorSpec([None, None, 4]),
        tf.TensorSpec([None], tf.int32),
    ]

    @tf.function(input_signature=signature)
    def graph(outputs, boxes, num_boxes):
        return dsfd_losses.progressive_anchor_loss(
            outputs, boxes, num_boxes, anchors, CONFIG
        )

    eager = dsfd_losses.progressive_anchor_loss(
        outputs, boxes, num_boxes, anchors, CONFIG
    )
    for name, value in graph(outputs, boxes, num_boxes).items():
        np.testing.assert_allclose(value, eager[name], rtol=1e-6)
