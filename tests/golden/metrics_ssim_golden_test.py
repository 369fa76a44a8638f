"""SSIM, L1 and L2 against scikit-image and NumPy (metrics.md, sections 2 and 3)."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.evaluation.similarity import pixels, ssim


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("metrics_ssim")


def values(arrays, compute, name):
    """Return a metric of every pair, in the order of the file."""
    results = []
    for index in range(len(arrays["pair_kind"])):
        pair = (arrays[f"{side}{index}"].astype(np.float32)[None] for side in "ab")
        results.append(float(compute(*pair)[name][0]))
    return results


def test_ssim(arrays):
    got = values(arrays, ssim.ssim, "ssim")
    np.testing.assert_allclose(got, arrays["ssim_gauss"], rtol=0, atol=1e-9)


def test_ssim_is_that_of_tensorflow(arrays):
    def compute(first, second):
        return {"ssim": tf.image.ssim(tf.constant(first), tf.constant(second), 255)}

    got = values(arrays, ssim.ssim, "ssim")
    expected = values(arrays, compute, "ssim")
    np.testing.assert_allclose(got, expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("name", ["l1", "l2_mse", "l2_rmse"])
def test_pixels(arrays, name):
    compute = pixels.l1 if name == "l1" else pixels.l2
    np.testing.assert_allclose(
        values(arrays, compute, name), arrays[name], rtol=1e-6, atol=1e-12
    )
