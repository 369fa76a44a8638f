"""Pearson's r: where it is defined, how sure it is, and whose runs enter."""

import math

import numpy as np
import pytest
import scipy.stats

from safefakes_tf.config import names
from safefakes_tf.evaluation import correlation


@pytest.mark.parametrize("n", [4, 8, 30])
def test_r_p_and_interval_are_those_of_scipy(n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = -2 * x + rng.normal(size=n)
    got = correlation.correlate(x, y)
    expected = scipy.stats.pearsonr(x, y)
    np.testing.assert_allclose(got.r, expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(got.p, expected.pvalue, rtol=1e-9)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose([got.low, got.high], interval, rtol=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "verdict"),
    [
        ([], [], "undefined: fewer than two points"),
        ([1.0], [2.0], "undefined: fewer than two points"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "undefined: a column is constant"),
        ([1.0, 2.0, 3.0], [0.1, 0.1, 0.1], "undefined: a column is constant"),
        ([1.0, math.nan, 3.0], [1.0, 2.0, math.nan], "undefined: fewer than two"),
    ],
)
def test_r_is_nan_and_not_zero_where_it_is_not_defined(x, y, verdict):
    got = correlation.correlate(x, y)
    assert math.isnan(got.r)
    assert math.isnan(got.p)
    assert (got.low, got.high) == (-1, 1)
    assert got.verdict.startswith(verdict)


def test_two_points_say_nothing():
    got = correlation.correlate([1.0, 2.0], [5.0, 3.0])
    assert (got.r, got.n) == (-1, 2)
    assert math.isnan(got.p)
    assert got.verdict == "two points always lie on a line"


def test_pairs_with_nan_are_left_out():
    x, y = [1.0, 2.0, math.nan, 4.0, 7.0], [2.0, 1.0, 9.0, math.inf, 4.0]
    assert correlation.correlate(x, y) == correlation.correlate([1, 2, 7], [2, 1, 4])


def test_points_on_a_line_have_no_width():
    got = correlation.correlate([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert (got.r, got.p, got.low, got.high) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("noise", "verdict"),
    [(5.0, "8 points do not settle even the sign"), (0.1, "8 points settle the sign")],
)
def test_a_verdict_says_what_the_points_can_be_called(noise, verdict):
    x = np.arange(8.0)
    y = x / 8 + noise * np.array([1, -1, -1, 1, 1, -1, -1, 1])
    assert correlation.correlate(x, y).verdict.startswith(verdict)


def test_every_anonymizer_is_in_the_groups_that_it_should_be_in():
    groups = correlation.GROUPS
    assert groups["all and original"] == set(names.anonymizers())
    assert groups["all"] == set(names.anonymizers()) - {"original"}
    assert groups["GAN"] | groups["conventional"] == groups["all"]
    assert not groups["GAN"] & groups["conventional"]
