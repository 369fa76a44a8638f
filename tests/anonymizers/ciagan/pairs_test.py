"""Pairs of faces for CIAGAN: who is in them, what is shown, and exact resume."""

import dataclasses
import functools
import itertools

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers.ciagan import pairs
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import (
    CiaganConfig,
    DataConfig,
    GanConfig,
    LoopConfig,
    TrainAnonymizer,
)

pytestmark = pytest.mark.usefixtures("graphs_as_traced")
CONFIG = CiaganConfig(resolution=64, num_identities=3)
BOX = np.float32([[0.35, 0.35, 0.65, 0.65]])
K, BATCH = 4, 4  # pairs: three for the discriminators, one for the generator
IDENTITIES = (7, 7, 7, 9, 9, 30, 30, 5, -1)  # 5 has one face, -1 is not known


def records(identities=IDENTITIES, side=220, boxes=BOX):
    """Photos of one colour each, which tells their number."""
    count = len(identities)
    photos = np.zeros([count, side, side, 3], np.uint8)
    photos += np.arange(10, 10 + 20 * count, 20, dtype=np.uint8)[:, None, None, None]
    return tf.data.Dataset.from_tensor_slices(
        {
            faces.IMAGE: photos,
            faces.BBOX: np.tile(boxes, [count, 1, 1]),
            faces.KEYPOINTS: np.tile(fake_keypoints.in_boxes(boxes), [count, 1, 1, 1]),
            faces.HAS_KEYPOINTS: np.ones([count, len(boxes)], bool),
            faces.IDENTITY: np.tile(np.int64(identities)[:, None], [1, len(boxes)]),
        }
    )


@functools.cache
def batches(seed=3, dataset=None):
    settings = TrainAnonymizer(
        data=DataConfig(anonymizer="ciagan"),
        network=CONFIG,
        gan=GanConfig(generator_steps=1),
        loop=LoopConfig(global_batch_size=BATCH),
    )
    return pairs.batches(settings, dataset or records(), Stage(64, 1000), seed)


def stream(position=0, **options):
    return batches(**options)(position).as_numpy_iterator()


def test_identities_are_numbered_and_single_faces_left_out():
    crops = pairs.collect(records(), CONFIG)
    np.testing.assert_array_equal(crops.identity, [0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(crops.start, [0, 3, 5, 7])


def test_shapes_and_ranges():
    batch, position = next(stream())
    assert batch.face.shape == batch.other_face.shape == (BATCH, K, 64, 64, 3)
    assert batch.landmarks.shape == (BATCH, K, 64, 64, 3)
    assert batch.mask.shape == (BATCH, K, 64, 64, 1)
    assert set(np.unique(batch.mask)) == {0, 1}
    assert batch.face.min() >= 0
    assert batch.face.max() <= 1
    # Blue lines on white.
    assert batch.landmarks[..., 2].min() > 0.9
    assert batch.landmarks[..., 0].min() < 0.6
    assert (batch.num_identities == 3).all()
    np.testing.assert_array_equal(position, np.arange(BATCH))


def test_half_the_pairs_are_of_one_identity_and_never_of_one_photo():
    found = [batch for batch, _ in itertools.islice(stream(), 60)]
    same = np.concatenate([batch.same.ravel() for batch in found])
    # A third of the random pairs is of one identity as well.
    assert 0.58 < same.mean() < 0.75
    identity = np.concatenate([batch.identity.ravel() for batch in found])
    np.testing.assert_allclose(np.bincount(identity) / len(identity), 1 / 3, atol=0.1)
    first, second = (
        np.concatenate(
            [getattr(batch, name).mean((2, 3, 4)).ravel() for batch in found]
        )
        for name in ("face", "other_face")
    )
    photos = [np.round((shade * 255 - 10) / 20) for shade in (first, second)]
    of = np.array([0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(of[photos[1].astype(int)], identity)
    one = same == 1
    np.testing.assert_array_equal(of[photos[0][one].astype(int)], identity[one])
    assert (photos[0] != photos[1]).all()


def test_the_stream_can_be_entered_anywhere():
    whole = stream()
    next(whole)
    for expected, got in zip(range(3), stream(position=BATCH), strict=False):
        del expected
        for name, value in next(whole).batch._asdict().items():
            np.testing.assert_array_equal(value, getattr(got.batch, name), name)


def test_another_seed_gives_other_pairs():
    one, other = next(stream()).batch, next(stream(seed=4)).batch
    assert (one.face != other.face).any()


@pytest.mark.parametrize("known", [True, False])
def test_neighbours_are_hidden_with_and_without_keypoints(known):
    boxes = np.float32([*BOX, [0.4, 0.6, 0.6, 0.75]])
    photos = records((1, 1, 2, 2), side=500, boxes=boxes).map(
        lambda record: {**record, faces.HAS_KEYPOINTS: tf.constant([True, known])}
    )
    batch, _ = next(stream(dataset=photos))
    assert (batch.face == 0).any()


def test_what_cannot_be_learnt_from_is_refused():
    with pytest.raises(ValueError, match=r"needs 2 to 3 identities .* got 1"):
        pairs.collect(records((1, 1, 2)), CONFIG)
    with pytest.raises(ValueError, match=r"got 0"):
        pairs.collect(records(side=60), CONFIG)
    few = dataclasses.replace(CONFIG, num_identities=2)
    with pytest.raises(ValueError, match=r"needs 2 to 2 identities .* got 3"):
        pairs.collect(records(), few)
