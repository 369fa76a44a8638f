"""Exponential moving averages of weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class EMA(tf.Module):
    """The exponential moving average of a model's weights, an item of a checkpoint.

    average <- momentum * average + (1 - momentum) * weight after every step.

    Args:
        weights: of the model; their values are those to start from.
        momentum: what a step leaves of the average, between 0 and 1.
        starts_as_average: whether the start values are averages already. Else the first
            step of the optimizer replaces them.
    """

    def __init__(
        self,
        weights: Sequence[keras.Variable],
        momentum: float,
        starts_as_average: bool = False,
    ):
        super().__init__(name="ema")
        self.momentum, self._starts_as_average = momentum, starts_as_average
        self.averages = [
            tf.Variable(
                weight.numpy(),
                trainable=False,
                # All replicas hold the same weights.
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for weight in weights
        ]

    def update(
        self, weights: Sequence[keras.Variable], before: tf.Tensor, after: tf.Tensor
    ) -> None:
        """Follow a step of the optimizer; call it where the optimizer is called.

        Args:
            weights: those given at the start, after the step.
            before, after: integer scalars, the optimizer's steps before and after it.
                Equal where it left out a step, whose gradients were not finite: the
                average stays then.
        """
        momentum = tf.constant(self.momentum, tf.float64)
        if not self._starts_as_average:
            momentum = tf.where(before > 0, momentum, 0.0)
        momentum = tf.where(after > before, momentum, 1.0)
        shares = {}  # once for all weights, as they are many
        for average, weight in zip(self.averages, weights, strict=True):
            if average.dtype not in shares:
                share = tf.cast(momentum, average.dtype)
                shares[average.dtype] = share, 1 - share
            share, rest = shares[average.dtype]
            average.assign(share * average + rest * weight)

    def copy_to(self, weights: Sequence[keras.Variable]) -> None:
        """Set weights, in the order of those given at the start, to the average."""
        for average, weight in zip(self.averages, weights, strict=True):
            weight.assign(average.numpy())


def laid_out_as_in(checkpoint: str, items: dict[str, Any]) -> dict[str, Any]:
    """Return a trainer's items as a checkpoint holds them, to restore it.

    Version 0.4.0 kept averages among the variables of their optimizer.

    Args:
        checkpoint: path of one of this or an earlier version.
        items: by name; the EMA "x_ema" belongs to the optimizer "x_optimizer".
    """
    stored = {name.partition("/")[0] for name, _ in tf.train.list_variables(checkpoint)}
    arranged = dict(items)
    for name, item in items.items():
        if isinstance(item, EMA) and name not in stored:
            del arranged[name]
            optimizer = name.removesuffix("ema") + "optimizer"
            arranged[optimizer] = _with_averages(items[optimizer], item.averages)
    return arranged


def _with_averages(optimizer, averages):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = optimizer.inner_optimizer
        own = len(optimizer.variables) - len(inner.variables)
        return tf.train.Checkpoint(
            _variables=optimizer.variables[:own],
            inner_optimizer=_with_averages(inner, averages),
        )
    variables = optimizer.variables
    counters = [v for v in variables if v.name in ("iteration", "learning_rate")]
    moments = variables[len(counters) :]
    return tf.train.Checkpoint(_variables=[*counters, *averages, *moments])
