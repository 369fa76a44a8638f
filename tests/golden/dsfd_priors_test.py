"""Anchors against the published ones (dsfd.md, section 16)."""

import numpy as np
import pytest

from safefakes_tf.detectors.dsfd import anchors as anchor_ops

CASES = ("small", "odd", "std", "wide")
SHOTS = {"s1": "first_shot", "s2": "second_shot"}
RATIOS = {"": 1.0, "ar15_": 1.5}
TOLERANCE = 1e-6


@pytest.mark.parametrize("prefix", RATIOS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shot", SHOTS)
def test_anchors(golden, prefix, case, shot):
    arrays = golden("dsfd_priors")
    height, width = arrays[f"{prefix}{case}_size"].tolist()
    sizes = anchor_ops.feature_map_sizes(height, width)
    np.testing.assert_array_equal(sizes, arrays[f"{prefix}{case}_feature_maps"])

    got = anchor_ops.anchors(height, width, SHOTS[shot], RATIOS[prefix]).numpy()
    key = f"{prefix}{case}_{shot}"
    stored = {
        "full": got,
        "first100": got[:100],
        "last100": got[-100:],
        "every997": got[::997],
    }
    checked = [part for part in stored if f"{key}_{part}" in arrays]
    assert checked
    for part in checked:
        expected = arrays[f"{key}_{part}"]
        np.testing.assert_allclose(stored[part], expected, rtol=0, atol=TOLERANCE)
    if f"{key}_count" in arrays:
        assert len(got) == arrays[f"{key}_count"]
        exact = got.astype(np.float64)
        np.testing.assert_allclose(exact.sum(axis=0), arrays[f"{key}_sum"])
        np.testing.assert_allclose((exact**2).sum(axis=0), arrays[f"{key}_sumsq"])
