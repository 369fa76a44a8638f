import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.keypoints import layouts


def points(count, size):
    return np.random.default_rng(0).random([count, size, 2], np.float32)


def test_seven_points_of_68():
    given = points(2, 68)
    got = layouts.read(given, tf.constant([True, False]), "deepprivacy7").numpy()
    np.testing.assert_array_equal(got[0, 0], given[0, 30])
    np.testing.assert_allclose(got[0, 1], given[0, 42:48].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(got[0, 2], given[0, 36:42].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(got[0, 3:5], given[0, [16, 0]])
    assert (got[0, 5:] == layouts.ABSENT).all()
    assert (got[1] == layouts.ABSENT).all()


@pytest.mark.parametrize("layout", layouts.NUM_KEYPOINTS)
def test_a_layout_is_read_as_it_is(layout):
    given = points(3, layouts.NUM_KEYPOINTS[layout])
    got = layouts.read(given, tf.fill([3], True), layout)
    np.testing.assert_array_equal(got, given)


def test_what_a_search_found_is_known_where_it_is_not_zero():
    given = points(2, layouts.NUM_FOUND)
    given[0, [3, 70]] = 0
    for layout, part in (("ibug68", given[:, :68]), ("deepprivacy7", given[:, 68:])):
        got = layouts.read(given, tf.fill([2], True), layout, layouts.FOUND)
        absent = (part == 0).all(axis=2, keepdims=True)
        assert absent.sum() == 1
        np.testing.assert_array_equal(got, np.where(absent, layouts.ABSENT, part))


def test_a_layout_that_is_named_is_not_guessed_from_the_number_of_points():
    seven = points(2, 7)  # in another order, or not all of `ibug68`
    for source in ("ibug68", layouts.FOUND):
        got = layouts.read(seven, tf.fill([2], True), "deepprivacy7", source)
        assert (got.numpy() == layouts.ABSENT).all()
    got = layouts.read(points(2, 68), tf.fill([2], True), "deepprivacy7", "ibug68")
    guessed = layouts.read(points(2, 68), tf.fill([2], True), "deepprivacy7")
    np.testing.assert_array_equal(got, guessed)


@pytest.mark.parametrize("layout", layouts.NUM_KEYPOINTS)
@pytest.mark.parametrize("size", [0, 5, 7, 68])
def test_any_number_of_points_in_a_graph(layout, size):
    read = tf.function(
        lambda given, has: layouts.read(given, has, layout),
        input_signature=[
            tf.TensorSpec([None, None, 2], tf.float32),
            tf.TensorSpec([None], tf.bool),
        ],
    )
    got = read(points(2, size), tf.fill([2], True))
    assert got.shape == (2, layouts.NUM_KEYPOINTS[layout], 2)
    if size in (0, 5) or (size, layout) == (7, "ibug68"):
        assert (got.numpy() == layouts.ABSENT).all()
