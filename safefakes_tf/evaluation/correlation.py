"""How a metric of anonymized training photos goes with the mAP that they lead to."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy.special
import scipy.stats

from safefakes_tf.config import names

CONFIDENCE = 0.95
# Which rows each column of the study's table has. The untouched photos are none of its
# "anonymized datasets"; the last column adds them.
GAN = frozenset(names.generators())
CONVENTIONAL = frozenset(names.filters()) - {"original"}
GROUPS = {
    "all": GAN | CONVENTIONAL,
    "GAN": GAN,
    "conventional": CONVENTIONAL,
    "all and original": GAN | CONVENTIONAL | {"original"},
}
# Table II of the study, in the order of the first three groups.
STUDY_TABLE_II = {
    "FID": (-0.777, -0.978, -1.000),
    "L1": (-0.458, -0.996, -0.999),
    "L2": (-0.454, -0.994, -0.999),
    "LPIPS": (-0.665, -0.992, -0.971),
    "SSIM": (0.721, 0.983, 0.759),
}


@dataclasses.dataclass(frozen=True)
class Correlation:
    """Pearson's r of a sample, and what it says.

    Attributes:
        r: in [-1, 1]; NaN where it is not defined.
        n: number of points.
        p: probability of such an r, or a stronger one, without any correlation; NaN
            below three points.
        low, high: interval of 95 % confidence; from -1 to 1 below four points.
        verdict: in words.
    """

    r: float
    n: int
    p: float
    low: float
    high: float
    verdict: str


def correlate(x: Sequence[float], y: Sequence[float]) -> Correlation:
    """Return Pearson's r of two columns; pairs with a NaN are left out.

    p is that of Student's t with n - 2 degrees of freedom, the interval that of
    Fisher's z: both suppose values that are normally distributed, and runs that are
    independent of each other, which runs on the same photos are not quite.

    Args:
        x, y: numbers of equal length.

    Source: metrics.md, section 6.
    """
    points = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    points = points[:, np.isfinite(points).all(axis=0)]
    n = points.shape[1]
    r = _pearson(*points)
    if not math.isfinite(r):
        reason = "fewer than two points" if n < 2 else "a column is constant"
        return Correlation(r, n, math.nan, -1.0, 1.0, f"undefined: {reason}")
    low, high = _interval(r, n)
    return Correlation(r, n, _p_value(r, n), low, high, _verdict(n, low, high))


def _pearson(x, y):
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    dx, dy = x - x.mean(), y - y.mean()
    r = (dx @ dy) / math.sqrt((dx @ dx) * (dy @ dy))
    return float(np.clip(r, -1.0, 1.0))


def _p_value(r, n):
    if n < 3:
        return math.nan
    if abs(r) == 1:
        return 0.0
    t = r * math.sqrt((n - 2) / (1 - r * r))
    return float(2 * scipy.stats.t.sf(abs(t), n - 2))


def _interval(r, n):
    if n < 4:
        return -1.0, 1.0
    reach = scipy.special.ndtri((1 + CONFIDENCE) / 2) / math.sqrt(n - 3)
    with np.errstate(divide="ignore"):  # r = 1 is infinitely far from 0
        z = np.arctanh(r)
    return float(np.tanh(z - reach)), float(np.tanh(z + reach))


def _verdict(n, low, high):
    if n == 2:
        return "two points always lie on a line"
    if low <= 0 <= high:
        return f"{n} points do not settle even the sign"
    return f"{n} points settle the sign, and r between {low:.2f} and {high:.2f}"
