"""Which faces are compared, from which photos, and what their crops hold."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.evaluation.similarity import pairs
from safefakes_tf.evaluation.similarity.metric import View

VIEWS = (View(16, True), View(9, False))
BOXES = [[0.25, 0.1, 0.75, 0.5], [0.5, 0.5, 1.0, 1.0], [0.0, 0.3, 0.2, 0.8]]


def record(name, boxes=BOXES, actions=None, size=(40, 50), seed=0):
    rng = np.random.default_rng(seed)
    if actions is None:
        actions = [faces.GENERATED] * len(boxes)
    return {
        faces.FILENAME: name.encode(),
        faces.IMAGE: rng.integers(0, 256, (*size, 3), np.uint8),
        faces.BBOX: np.array(boxes, np.float32).reshape(-1, 4),
        faces.ACTION: np.array(actions, np.int64),
    }


def cut(first, second, batch_size=2, count_blacked_out=True):
    """Return all crops per view, and the tally."""
    tally = pairs.Tally()
    batches = list(
        pairs.face_pairs(first, second, VIEWS, batch_size, count_blacked_out, tally)
    )
    assert all(len(b[VIEWS[0]][0]) == batch_size for b in batches[:-1])
    crops = {
        view: [np.concatenate([b[view][i] for b in batches]) for i in range(2)]
        for view in VIEWS
    }
    return crops, tally


def test_crops_are_the_resized_boxes_of_both_photos():
    first, second = record("a.jpg"), record("a.jpg", seed=1)
    crops, tally = cut([first], [second])
    assert (tally.photos, tally.faces, tally.photos_without_faces) == (1, 3, 0)
    for view in VIEWS:
        for got, photo in zip(crops[view], (first, second), strict=True):
            expected = tf.image.resize(
                photo[faces.IMAGE][10:30, 5:25],
                [view.side] * 2,
                antialias=view.antialias,
            )
            np.testing.assert_array_equal(got[0], expected)


def test_crops_do_not_hang_on_the_batches():
    first = [record(f"{n}.jpg", BOXES[: n % 4], seed=n) for n in range(6)]
    second = [record(f"{n}.jpg", BOXES[: n % 4], seed=n + 9) for n in range(6)]
    one_by_one, tally = cut(first, second, batch_size=1)
    assert tally.faces == 7
    assert tally.photos_without_faces == 2
    for batch_size in (2, 3, 7, 50):
        crops, other = cut(first, second, batch_size)
        assert other == tally
        for view in VIEWS:
            np.testing.assert_array_equal(crops[view], one_by_one[view])


def test_kept_faces_do_not_count_and_blacked_out_ones_do_unless_told():
    actions = [faces.KEPT, faces.GENERATED, faces.BLACKED_OUT]
    photos = [record("a.jpg")], [record("a.jpg", actions=actions)]
    _, tally = cut(*photos)
    assert tally.faces == 2
    assert tally.actions == {"kept": 1, "generated": 1, "blacked_out": 1}
    _, without = cut(*photos, count_blacked_out=False)
    assert without.faces == 1
    assert without.actions == tally.actions


def test_boxes_without_a_pixel_are_no_faces():
    boxes = [BOXES[0], [0.5, 0.5, 0.5, 0.9], [0.2, 1.0, 0.4, 1.0]]
    actions = [faces.BLACKED_OUT] * 3
    photos = [[record("a.jpg", boxes, actions)]] * 2
    _, tally = cut(*photos)
    assert tally.faces == 1


A, B, C = (record(f"{name}.jpg") for name in "abc")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([A, B], [A, C], r"photo 2 \(b.jpg\) has name b.jpg .* c.jpg among the anonym"),
        ([A, B, C], [A, C, B], r"photo 2 \(b.jpg\) has name b.jpg"),
        ([A, B, C], [A, B], r"got 2 in both, and c.jpg among the original ones alone"),
        ([A], [A, B], r"got 1 in both, and b.jpg among the anonymized ones alone"),
        ([A], [], r"got 0 in both, and a.jpg among the original ones alone"),
        ([A], [record("a.jpg", size=(40, 51))], r"size 50 x 40 .*, 51 x 40 among"),
        ([A], [record("a.jpg", BOXES[:2])], r"faces 3 boxes .*, 2 others among"),
        ([A], [{k: v for k, v in A.items() if k != faces.ACTION}], "faces/action"),
    ],
)
def test_data_sets_that_do_not_pair_are_told_in_one_line(first, second, message):
    with pytest.raises(ValueError, match=message) as error:
        list(pairs.face_pairs(first, second, VIEWS, 4, True, pairs.Tally()))
    assert "\n" not in str(error.value)


def test_photos_that_pair_are_yielded_until_one_does_not():
    found = pairs.paired_records([A, B], [A, C])
    assert next(found)[0] is A
    with pytest.raises(ValueError, match="same order"):
        next(found)
