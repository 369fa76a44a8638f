"""Faces for generators: what is shown, what is hidden, and exact resume."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers import face_crops
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import (
    AnonymizationConfig,
    DataConfig,
    GanConfig,
    LoopConfig,
    Sun2018Config,
    TrainAnonymizer,
)
from safefakes_tf.keypoints import layouts

SIDE, FILL, BATCH = 32, 128, 2
# In the middle with room around; small, beside it; too narrow to be hidden; empty.
BOXES = np.float32(
    [[0.3, 0.3, 0.7, 0.6], [0.4, 0.62, 0.6, 0.75], [0.1, 0.1, 0.2, 0.15], [0, 0, 0, 0]]
)


def records(count=5, boxes=BOXES, size=(100, 100)):
    """Photos whose red is one on faces, and whose blue tells the photo's number."""
    photos = np.zeros([count, *size, 3], np.uint8)
    for top, left, bottom, right in (boxes * [*size, *size]).round().astype(int):
        photos[:, top:bottom, left:right, 0] = 255
    photos[..., 2] = 10 * np.arange(count)[:, None, None]
    points = np.random.default_rng(0).uniform(0.3, 0.6, [count, len(boxes), 68, 2])
    return tf.data.Dataset.from_tensor_slices(
        {
            faces.IMAGE: photos,
            faces.BBOX: np.tile(boxes, [count, 1, 1]),
            faces.KEYPOINTS: points.astype(np.float32),
            faces.HAS_KEYPOINTS: np.tile(
                [True, False, False, True][: len(boxes)], [count, 1]
            ),
        }
    )


def stream(dataset=None, layout="ibug68", position=0, seed=3, min_width=10, **gan):
    settings = TrainAnonymizer(
        data=DataConfig(
            anonymizer="sun2018", anonymization=AnonymizationConfig(min_width)
        ),
        network=Sun2018Config(resolution=SIDE, fill=FILL),
        gan=GanConfig(**gan),
        loop=LoopConfig(global_batch_size=BATCH),
    )
    stage = Stage(SIDE, 1000)
    dataset = dataset or records()
    return face_crops.batches(layout, settings, dataset, stage, seed)(position)


def take(dataset, count):
    return list(itertools.islice(dataset.as_numpy_iterator(), count))


def test_shapes_and_ranges():
    batch = take(stream(), 1)[0].batch
    assert batch.image.shape == batch.condition.shape == (BATCH, SIDE, SIDE, 3)
    assert batch.mask.shape == (BATCH, SIDE, SIDE, 1)
    assert batch.points.shape == (BATCH, 68, 2)
    assert np.abs(batch.image).max() <= 1 + 1e-6
    assert set(np.unique(batch.mask)) == {0, 1}
    levels = (batch.image + 1) * 127.5
    np.testing.assert_allclose(levels, levels.round(), atol=1e-4)


def test_the_box_is_that_of_the_mask():
    for batch, _ in take(stream(), 6):
        for mask, (top, left, bottom, right) in zip(batch.mask, batch.box, strict=True):
            expected = np.zeros_like(mask)
            expected[top:bottom, left:right] = 1
            np.testing.assert_array_equal(mask, expected)


def test_every_large_face_is_hidden_and_no_other_pixel():
    grey = FILL / 255 * 2 - 1
    for batch, _ in take(stream(), 10):
        hidden = batch.condition
        np.testing.assert_allclose(hidden[np.repeat(batch.mask == 1, 3, 3)], grey)
        # Red and nothing else would be a face; a mixture with grey is none.
        red = (hidden[..., 0] > 0.5) & (hidden[..., 1] < -0.5)
        assert red.sum() <= 2 * 4 * 6  # but for the face that is too narrow
        outside = (batch.mask[..., 0] == 0) & (batch.image[..., 0] < -0.9)
        clear = outside & (np.abs(hidden[..., 1] + 1) < 1e-6)
        assert clear.any()
        np.testing.assert_allclose(batch.image[clear], hidden[clear], atol=1e-6)


@pytest.mark.parametrize("min_width", [0, 10, 40])
def test_faces_that_anonymizers_keep_stay_visible(min_width):
    """The neighbour is 13 pixels wide, the narrow face 5."""
    boxes = np.float32([*BOXES[:2], [0.2, 0.4, 0.28, 0.45], [0, 0, 0, 0]])
    red = 0
    for batch, _ in take(stream(records(boxes=boxes), min_width=min_width), 10):
        masked = batch.condition
        red += ((masked[..., 0] > 0.5) & (masked[..., 1] < -0.5)).sum()
    assert red in {0: [0], 10: range(1, 500), 40: range(500, 10_000)}[min_width]


def test_the_box_grows_and_shrinks_at_random():
    boxes = BOXES[:1] * [1, 1, 1, 1]
    large = records(boxes=boxes.astype(np.float32), size=(400, 400))
    areas = {float(batch.mask.sum()) for batch, _ in take(stream(large), 20)}
    assert len(areas) > 1


def test_keypoints_go_with_the_picture():
    """On photos with a bright pixel at the nose, the nose stays on it."""
    size, box = 200, np.float32([[0.3, 0.3, 0.6, 0.6]])
    dataset = records(count=3, boxes=box, size=(size, size))

    def mark(record):
        points = tf.fill([1, 68, 2], 0.5)
        points = tf.tensor_scatter_nd_update(points, [[0, 30]], [[0.4, 0.35]])
        photo = tf.zeros([size, size, 3], tf.uint8)
        near = tf.stack([int(0.4 * size) - 3, int(0.35 * size) - 3])
        rows = tf.range(size)
        spot = (tf.abs(rows - near[0] - 3) <= 3)[:, None]
        spot &= (tf.abs(rows - near[1] - 3) <= 3)[None]
        photo = tf.where(spot[..., None], tf.constant(255, tf.uint8), photo)
        return {**record, faces.IMAGE: photo, faces.KEYPOINTS: points}

    for batch, _ in take(stream(dataset.map(mark)), 6):
        for image, points in zip(batch.image, batch.points, strict=True):
            column, row = (points[30] * SIDE).astype(int)
            assert image[row, column].min() > 0.2


def test_mirrored_keypoints_take_the_names_of_their_new_places():
    for layout, order in layouts.MIRRORED.items():
        assert sorted(order) == list(range(layouts.NUM_KEYPOINTS[layout]))
        assert [order[each] for each in order] == list(range(len(order)))
    order = layouts.MIRRORED["ibug68"]
    pairs = {0: 16, 7: 9, 8: 8, 17: 26, 21: 22, 27: 27, 30: 30, 31: 35, 36: 45, 39: 42}
    pairs |= {40: 47, 48: 54, 51: 51, 59: 55, 60: 64, 62: 62, 67: 65}
    assert {n: order[n] for n in pairs} == pairs


def test_absent_keypoints_stay_absent():
    small = BOXES[[3, 0]]  # the face that is used has none
    for batch, _ in take(stream(records(boxes=small)), 3):
        assert (batch.points == layouts.ABSENT).all()
    none = records().map(lambda r: {**r, faces.HAS_KEYPOINTS: tf.fill([4], False)})
    for batch, _ in take(stream(none), 3):
        assert (batch.points == layouts.ABSENT).all()


def test_the_stream_can_be_entered_anywhere():
    whole = take(stream(), 8)
    for number in (1, 5):
        position = whole[number - 1].position.max() + 1
        for got, expected in zip(
            take(stream(position=int(position)), 3), whole[number:], strict=False
        ):
            np.testing.assert_array_equal(got.position, expected.position)
            for name, value in expected.batch._asdict().items():
                np.testing.assert_array_equal(getattr(got.batch, name), value, name)


def test_seeds_differ_between_faces_and_runs():
    first, other = (
        np.concatenate([batch.seed for batch, _ in take(stream(seed=seed), 4)])
        for seed in (3, 4)
    )
    assert len({tuple(seed) for seed in [*first, *other]}) == 4 * BATCH * 2


def test_photos_without_a_large_face_are_refused():
    with pytest.raises(
        ValueError, match=r"^a generator of 32 px needs .* got 5 photos"
    ):
        stream(records(boxes=BOXES[2:]))


def test_faces_without_keypoints_can_be_left_out():
    without = records().map(lambda r: {**r, faces.HAS_KEYPOINTS: tf.zeros(4, tf.bool)})
    take(stream(without), 1)
    with pytest.raises(ValueError, match="and all keypoints; got 5 photos without"):
        stream(without, only_with_keypoints=True)
    take(stream(only_with_keypoints=True), 1)
    # Of what a search found, some points may be absent.
    some = np.full([4, 68, 2], 0.5, np.float32)
    some[:, 3] = layouts.ABSENT
    partly = records().map(lambda record: {**record, faces.KEYPOINTS: some})
    with pytest.raises(ValueError, match="and all keypoints"):
        stream(partly, only_with_keypoints=True)


def test_a_photo_that_is_a_context_crop_is_taken_as_a_whole():
    context = tf.constant([[0.0, 0.0, 1.0, 1.0]])
    dataset = records(boxes=BOXES[:1], size=(SIDE, SIDE))
    crops = dataset.map(lambda record: {**record, faces.CONTEXT: context})
    with pytest.raises(ValueError, match="needs faces whose surroundings"):
        stream(dataset)  # 1.7 times the box is less than the photo
    batch = take(stream(crops), 1)[0].batch
    blue = np.round((batch.image[..., 2] + 1) * 127.5)
    assert (blue == blue[:, :1, :1]).all()
    assert batch.image.shape == (BATCH, SIDE, SIDE, 3)
