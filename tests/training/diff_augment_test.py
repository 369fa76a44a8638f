"""Differentiable augmentation: what changes, what stays, and that gradients pass."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.training.diff_augment import Augmentation

SIDE, COUNT = 16, 32
KINDS = ("colour", "translation", "cutout")
SEEDS = tf.stack([tf.fill([COUNT], tf.constant(3, tf.int64)), np.arange(COUNT)], 1)


def augmentation(*kinds, draw=0):
    return Augmentation(kinds, SEEDS, SIDE, draw)


@pytest.fixture
def pictures():
    return tf.random.stateless_uniform([COUNT, SIDE, SIDE, 3], [1, 2], 0.1, 1.0)


def test_without_any_kind_all_stays_as_it_is(pictures):
    nothing = augmentation()
    assert nothing.pictures(pictures)[0] is pictures
    assert nothing.maps(pictures) is pictures
    assert nothing.points(pictures) is pictures


def test_translation_moves_pictures_and_points_alike(pictures):
    moving = augmentation("translation")
    (moved,) = moving.pictures(pictures)
    points = tf.fill([COUNT, 1, 2], 0.5)
    shifts = np.round((moving.points(points).numpy()[:, 0] - 0.5) * SIDE).astype(int)
    assert set(shifts.ravel()) == set(range(-SIDE // 8, SIDE // 8 + 1))
    for before, after, (right, down) in zip(pictures, moved, shifts, strict=True):
        expected = np.zeros([2 * SIDE, 2 * SIDE, 3], np.float32)
        expected[:SIDE, :SIDE] = before
        expected = np.roll(expected, (down, right), (0, 1))[:SIDE, :SIDE]
        np.testing.assert_array_equal(after, expected)
    outside = tf.fill([COUNT, 1, 2], -1.0)
    np.testing.assert_array_equal(moving.points(outside), outside)


def test_cutout_empties_a_part_of_a_square_of_half_the_side(pictures):
    cutting = augmentation("cutout")
    (cut,) = cutting.pictures(pictures)
    kept = tf.reduce_any(cut != 0, axis=-1).numpy()
    np.testing.assert_array_equal(cut, np.where(kept[..., None], pictures, 0))
    areas = set()
    for each in ~kept:
        rows, columns = each.any(axis=1), each.any(axis=0)
        np.testing.assert_array_equal(each, rows[:, None] & columns)
        assert SIDE // 4 - 1 <= rows.sum() <= SIDE // 2
        assert SIDE // 4 - 1 <= columns.sum() <= SIDE // 2
        areas.add(each.sum())
    assert len(areas) > 3


def test_colours_change_within_their_limits(pictures):
    (changed,) = augmentation("colour").pictures(pictures)
    level = tf.reduce_mean(changed - pictures, axis=[1, 2, 3])
    assert -0.5 <= np.min(level) < -0.3
    assert 0.3 < np.max(level) <= 0.5
    (darker,) = augmentation("colour").pictures(pictures, half_range=0.5)
    np.testing.assert_allclose(
        tf.reduce_mean(darker - pictures, axis=[1, 2, 3]), level / 2, atol=1e-6
    )

    def spread(images):  # of the grey values
        return tf.math.reduce_std(tf.reduce_mean(images, -1), axis=[1, 2]).numpy()

    def colourfulness(images):
        return tf.reduce_mean(tf.math.reduce_std(images, -1), axis=[1, 2]).numpy()

    contrast = spread(changed) / spread(pictures)
    assert 0.5 <= contrast.min() < 0.7
    assert 1.3 < contrast.max() <= 1.5
    saturation = colourfulness(changed) / colourfulness(pictures) / contrast
    assert 0 <= saturation.min() < 0.4
    assert 1.6 < saturation.max() <= 2.001


def test_pictures_of_a_face_share_its_draw(pictures):
    hidden = tf.concat([pictures[:, :4], tf.zeros_like(pictures[:, 4:])], axis=1)
    image, condition = augmentation("colour").pictures(pictures, hidden)
    np.testing.assert_allclose(image[:, :4], condition[:, :4], atol=1e-6)
    image, condition = augmentation("translation", "cutout").pictures(pictures, hidden)
    shown = condition != 0
    np.testing.assert_array_equal(image[shown], condition[shown])
    (alone,) = augmentation(*KINDS).pictures(pictures)
    (again,) = augmentation(*KINDS).pictures(pictures)
    (other,) = augmentation(*KINDS, draw=1).pictures(pictures)
    np.testing.assert_array_equal(alone, again)
    assert np.abs(other - alone).max(axis=(1, 2, 3)).min() > 0.01


def test_gradients_and_those_of_gradients_pass_compiled_or_not(pictures):
    """Against finite differences: augmentation is linear in the pictures."""

    def gradients(pictures, probe):
        with tf.GradientTape() as outer:
            outer.watch(pictures)
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                (shown,) = augmentation(*KINDS).pictures(pictures)
                loss = tf.reduce_sum(shown**3)
            slope = tape.gradient(loss, pictures)
            along = tf.reduce_sum(slope * probe)
        return loss, slope, outer.gradient(along, pictures)

    pictures = tf.cast(pictures, tf.float64)
    probe = tf.random.stateless_normal(pictures.shape, [3, 4], dtype=tf.float64)
    _, slope, curvature = gradients(pictures, probe)
    step = 1e-5 * probe
    above, slope_above, _ = gradients(pictures + step, probe)
    below, slope_below, _ = gradients(pictures - step, probe)
    np.testing.assert_allclose(
        (above - below) / 2e-5, tf.reduce_sum(slope * probe), rtol=1e-7
    )
    np.testing.assert_allclose(
        (slope_above - slope_below) / 2e-5, curvature, rtol=1e-6, atol=1e-6
    )
    compiled = tf.function(gradients, jit_compile=True, autograph=False)
    for value, expected in zip(
        compiled(pictures, probe), gradients(pictures, probe), strict=True
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-9)
