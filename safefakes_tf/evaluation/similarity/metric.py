"""What an image metric is: it is given pairs of face crops, and yields figures."""

import abc
import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class View(NamedTuple):
    """How face crops are brought to one size: bilinear, half-pixel centres.

    Attributes:
        side: of the square, px.
        antialias: whether shrinking averages over all pixels.
    """

    side: int
    antialias: bool


COMMON = View(128, antialias=True)  # the study's face resolution


class Metric(abc.ABC):
    """A metric of one data set against another.

    Attributes:
        view: the crops that it reads.
    """

    view: View

    @abc.abstractmethod
    def update(self, originals: np.ndarray, anonymized: np.ndarray) -> None:
        """Take in a batch of pairs, float32 [N, side, side, 3] each, RGB in 0..255."""

    @abc.abstractmethod
    def results(self) -> Iterator[tuple[str, float]]:
        """Yield name and value of all pairs so far.

        Raises:
            ValueError: if the pairs give no value, as one line.
        """


@functools.cache
def compiled(compute: Callable, side: int, num_inputs: int) -> Callable:
    """Return a graph for batches of crops of any number; traced once per function."""
    crops = tf.TensorSpec([None, side, side, 3], tf.float32)
    return tf.function(compute, input_signature=[crops] * num_inputs)


class FaceMean(Metric):
    """The mean over all faces of what a function tells of each pair."""

    view = COMMON

    def __init__(self, compute: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]):
        """Wrap a function of two batches that returns one value per pair and name."""
        self._compute = compiled(compute, self.view.side, 2)
        self._sums: dict[str, float] = {}
        self._undefined = self._count = 0

    def update(self, originals: np.ndarray, anonymized: np.ndarray) -> None:
        """See `Metric`."""
        values = self._compute(originals, anonymized)
        values = {name: value.numpy() for name, value in values.items()}
        undefined = ~np.isfinite(list(values.values())).all(axis=0)
        self._undefined += undefined.sum()
        self._count += len(undefined)
        for name, value in values.items():
            total = value.sum(dtype=np.float64)
            self._sums[name] = self._sums.get(name, 0.0) + float(total)

    def results(self) -> Iterator[tuple[str, float]]:
        """See `Metric`."""
        if self._undefined:
            raise ValueError(
                f"not a finite number for {self._undefined} of {self._count} faces"
            )
        for name, total in self._sums.items():
            yield name, total / self._count
