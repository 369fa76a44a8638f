import numpy as np
import pytest

from safefakes_tf import boxes


def random_boxes(rng, count):
    corners = np.sort(rng.uniform(-0.1, 1.1, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4).astype(np.float32)


def test_pixels_become_relative():
    pixels = [[10, 20, 30, 40], [-5, 0, 200, 50]]
    relative = boxes.from_xywh_pixels(pixels, 100, 200)
    np.testing.assert_allclose(
        relative, [[0.2, 0.05, 0.6, 0.2], [0.0, -0.025, 0.5, 0.975]], atol=1e-7
    )


def test_iou_of_known_boxes():
    one = np.float32([[0, 0, 0.5, 0.5]])
    others = np.float32(
        [[0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5], [0.5, 0.5, 1, 1], [0.1, 0.1, 0.1, 0.1]]
    )
    np.testing.assert_allclose(boxes.iou(one, others), [[1, 1 / 3, 0, 0]], atol=1e-7)


def test_decode_inverts_encode():
    rng = np.random.default_rng(0)
    faces = random_boxes(rng, 50)
    anchors = rng.uniform(0.05, 0.9, (50, 4)).astype(np.float32)
    decoded = boxes.decode(boxes.encode(faces, anchors), anchors)
    np.testing.assert_allclose(decoded, faces, atol=1e-5)


def test_a_face_on_its_anchor_has_no_offset():
    anchors = np.float32([[0.5, 0.25, 0.2, 0.1]])
    faces = boxes.from_centre_size(anchors)
    np.testing.assert_allclose(faces, [[0.2, 0.4, 0.3, 0.6]], atol=1e-7)
    np.testing.assert_allclose(
        boxes.encode(faces, anchors), np.zeros([1, 4]), atol=1e-5
    )


def test_vote_weighs_by_score_and_drops_the_unconfirmed():
    found = [[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]]
    merged, scores = boxes.vote(np.array(found), np.array([0.2, 0.6, 0.9]))
    np.testing.assert_allclose(merged, [[1.5, 0, 11.5, 10]])
    np.testing.assert_array_equal(scores, [0.6])


def test_vote_counts_sides_plus_one():
    # 11 x 11 boxes, 5 columns shared: IoU = 55 / 187 = 0.294; without the pixel
    # 40 / 160 = 0.25.
    found = np.array([[0, 0, 10, 10], [0, 6, 10, 16]])
    scores = np.array([0.5, 0.5])
    assert len(boxes.vote(found, scores, min_iou=0.29)[0]) == 1
    assert len(boxes.vote(found, scores, min_iou=0.3)[0]) == 0


@pytest.mark.parametrize("most", [0, 3])
def test_vote_returns_at_most_so_many(most):
    found = np.repeat(np.arange(5)[:, None] * 100 + np.array([[0, 0, 9, 9]]), 2, axis=0)
    merged, scores = boxes.vote(found, np.linspace(1, 0.1, 10), max_boxes=most)
    assert merged.shape == (most, 4)
    assert scores.shape == (most,)


def test_vote_on_nothing():
    merged, scores = boxes.vote(np.zeros([0, 4]), np.zeros([0]))
    assert merged.shape == (0, 4)
    assert scores.shape == (0,)
