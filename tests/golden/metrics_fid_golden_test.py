"""Fréchet distances, and Pearson's r, against the references (metrics.md, 5 and 6)."""

import numpy as np
import pytest

from safefakes_tf.evaluation import correlation
from safefakes_tf.evaluation.similarity import frechet


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("metrics_fid")


def moments(features, num_batches):
    result = frechet.Moments(features.shape[1])
    for batch in np.array_split(features, num_batches):
        result.update(batch)
    return result


@pytest.mark.parametrize("num_batches", [1, 2])
def test_distances(arrays, num_batches):
    got = [
        frechet.distance(*(moments(arrays[f"{case}_{s}"], num_batches) for s in "xy"))
        for case in arrays["cases"]
    ]
    np.testing.assert_allclose(got, arrays["fid_eigh"], rtol=1e-6, atol=1e-10)
    defined = np.isfinite(arrays["fid_sqrtm"])
    np.testing.assert_allclose(
        np.array(got)[defined], arrays["fid_sqrtm"][defined], rtol=1e-6, atol=1e-10
    )


def test_traces(arrays):
    got = [
        frechet.trace_of_root(
            *(moments(arrays[f"{case}_{side}"], 1).covariance() for side in "xy")
        )
        for case in arrays["cases"]
    ]
    np.testing.assert_allclose(got, arrays["trace_term"], rtol=1e-6, atol=1e-10)


def test_moments_do_not_hang_on_the_batches(arrays):
    for case in arrays["cases"]:
        features = arrays[f"{case}_x"].astype(np.float64)
        result = moments(features, min(7, len(features)))
        np.testing.assert_allclose(result.mean, features.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(
            result.covariance(),
            np.atleast_2d(np.cov(features, rowvar=False)),
            rtol=1e-9,
            atol=1e-12 * np.square(features).max(),
        )


@pytest.mark.parametrize("metric", ["fid", "l1", "l2", "lpips", "ssim"])
def test_pearsons_r(arrays, metric):
    kinds = arrays["pearson_group"]
    for group, expected in zip(
        (kinds != "", kinds == "gan", kinds == "conventional"),
        arrays[f"pearson_r_{metric}"],
        strict=True,
    ):
        result = correlation.correlate(
            arrays[f"pearson_{metric}"][group], arrays["pearson_map"][group]
        )
        assert result.n == group.sum()
        np.testing.assert_allclose(result.r, expected, rtol=1e-9)
