"""Fréchet distance between two sets of features, from their means and covariances."""

from collections.abc import Iterator

import keras
import numpy as np
import scipy.linalg

from safefakes_tf.evaluation.similarity.metric import Metric, View, compiled

ENOUGH_FACES = 2048  # from where on the covariance of FID's features is not singular


class Moments:
    """Mean and covariance of features that come in batches; float64, flat memory.

    Attributes:
        count: rows so far.
        mean: float64 [D].
    """

    def __init__(self, size: int):
        """Begin without rows of `size` features."""
        self.count, self.mean = 0, np.zeros(size)
        self._products = np.zeros([size, size])  # of deviations from the mean, summed

    def update(self, features: np.ndarray) -> None:
        """Take in features, float32 [N, D].

        Deviations are from the mean of their own batch, so that no large numbers
        cancel; one more row stands for the distance of the two means.

        Source: Chan, Golub and LeVeque, 1983, equation 2.1.
        """
        features = np.asarray(features, np.float64)
        total = self.count + len(features)
        mean = features.mean(axis=0)
        step = (mean - self.mean) * np.sqrt(self.count * len(features) / total)
        rows = np.vstack([features - mean, step])
        self._products += rows.T @ rows
        self.mean += (mean - self.mean) * (len(features) / total)
        self.count = total

    def covariance(self) -> np.ndarray:
        """Return float64 [D, D], with divisor n - 1; two rows are needed."""
        return self._products / (self.count - 1)


def distance(first: Moments, second: Moments) -> float:
    """Return the Fréchet distance of two normal distributions, 0 or more.

    Source: metrics.md, section 5.
    """
    one, other = first.covariance(), second.covariance()
    means = np.sum((first.mean - second.mean) ** 2)
    root = trace_of_root(one, other)
    return float(max(means + np.trace(one) + np.trace(other) - 2 * root, 0.0))


def trace_of_root(one: np.ndarray, other: np.ndarray) -> float:
    """Return tr (S1 S2)^(1/2) of two covariances, float64 [D, D], singular or not.

    With S1 = A A' the eigenvalues of S1 S2, but for zeros, are those of A' S2 A, which
    is symmetric.
    """
    try:
        factor = np.linalg.cholesky(one)
        symmetric, _ = scipy.linalg.lapack.dsygst(other, factor, itype=3, lower=1)
    except np.linalg.LinAlgError:  # S1 is singular
        factor = _pivoted_factor(one)
        symmetric = factor.T @ other @ factor
    if not symmetric.size:
        return 0.0
    eigenvalues = scipy.linalg.eigh(symmetric, eigvals_only=True, driver="evd")
    return float(np.sqrt(np.maximum(eigenvalues, 0.0)).sum())


def _pivoted_factor(covariance):
    """Return A, float64 [D, rank], with A A' = covariance."""
    packed, pivots, rank, _ = scipy.linalg.lapack.dpstrf(covariance, lower=1)
    factor = np.zeros_like(covariance)
    factor[pivots - 1] = np.tril(packed)
    return factor[:, :rank]


class FrechetDistance(Metric):
    """The Fréchet distance of a network's features, one value per data set."""

    def __init__(self, name: str, network: keras.Model, view: View):
        """Keep the network.

        Args:
            name: of the value.
            network: from float32 [N, side, side, 3] in 0..255 to features [N, D].
            view: the crops that it takes.
        """
        self.view = view
        self._name = name
        self._features = compiled(network, view.side, 1)
        size = network.output.shape[-1]
        self._moments = Moments(size), Moments(size)

    def update(self, originals: np.ndarray, anonymized: np.ndarray) -> None:
        """See `Metric`."""
        for moments, images in zip(self._moments, (originals, anonymized), strict=True):
            moments.update(self._features(images).numpy())

    def results(self) -> Iterator[tuple[str, float]]:
        """See `Metric`."""
        first, second = self._moments
        if first.count < 2:
            raise ValueError(f"two faces or more are needed; got {first.count}")
        if not np.isfinite(first.mean + second.mean).all():
            raise ValueError("features that are not finite numbers")
        yield self._name, distance(first, second)
