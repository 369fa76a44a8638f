"""Optimizers of detector and generators, and a step of any model."""

from collections.abc import Iterable

import keras
import tensorflow as tf
from keras import ops

from safefakes_tf.config import OptimizerConfig
from safefakes_tf.training.ema import EMA


class SteppedRate(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then a learning rate that falls tenfold at each given step.

    The change holds for the step with that index (from 0) and later ones.
    Source: dsfd.md, section 10.
    """

    def __init__(
        self,
        learning_rate: float,
        decay_steps: Iterable[int] = (),
        warmup_steps: int = 0,
    ):
        self.learning_rate = learning_rate
        self.decay_steps = tuple(decay_steps)
        self.warmup_steps = warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = ops.cast(step, "float32")
        drops = sum(ops.cast(step >= limit, "float32") for limit in self.decay_steps)
        warmup = ops.minimum(1.0, (step + 1.0) / max(1, self.warmup_steps))
        return self.learning_rate * warmup * ops.power(0.1, ops.cast(drops, "float32"))


class CoupledSGD(keras.optimizers.Optimizer):
    """SGD as PyTorch defines it: v = m v + (g + d w), then w = w - learning_rate v.

    Keras' own SGD multiplies the learning rate in when it accumulates, and decays
    weights apart from the gradient. Source: dsfd.md, sections 10 and 13.

    Args:
        learning_rate: float or schedule.
        momentum: m, in [0, 1).
        coupled_weight_decay: d, on every variable, biases and gains too.
        others: of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        momentum: float = 0.9,
        coupled_weight_decay: float = 0.0,
        name: str = "coupled_sgd",
        **others,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **others)
        self.momentum = momentum
        self.coupled_weight_decay = coupled_weight_decay

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        decay = tf.cast(self.coupled_weight_decay, variable.dtype)
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=velocity.value.handle,
            lr=tf.cast(learning_rate, variable.dtype),
            grad=tf.cast(gradient, variable.dtype) + decay * variable,
            momentum=self.momentum,
        )


class Adam(keras.optimizers.Adam):
    """Keras' Adam, its arithmetic in one operation per variable instead of thirty.

    A step of many small layers is mostly the start of operations. `amsgrad`, of which
    that operation knows nothing, has no effect.
    """

    def apply(self, grads, trainable_variables=None):
        # Once for all variables, as they are many.
        variables = trainable_variables or self._trainable_variables
        types = {variable.dtype for variable in variables}
        self._scalars = {dtype: self._scalars_as(dtype) for dtype in types}
        super().apply(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return grads_and_vars  # else TensorFlow copies each
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def _scalars_as(self, dtype):
        first = tf.constant(self.beta_1, dtype)
        second = tf.constant(self.beta_2, dtype)
        step = tf.cast(self.iterations + 1, dtype)
        return {
            "beta1": first,
            "beta2": second,
            "beta1_power": tf.pow(first, step),
            "beta2_power": tf.pow(second, step),
            "epsilon": tf.constant(self.epsilon, dtype),
            "lr": tf.cast(self.learning_rate, dtype),
        }

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            grad=tf.cast(gradient, variable.dtype),
            **self._scalars[variable.dtype.name],
        )


class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras' optimizer of scaled losses, which skips a step if any replica overflows.

    Keras looks at the first replica's gradients alone and takes them for summed, but
    its inner optimizer sums them only later.
    """

    def apply(self, grads, trainable_variables=None):
        replicas = tf.distribute.get_replica_context()
        if replicas.num_replicas_in_sync > 1:
            # The inner optimizer sums over the replicas again.
            grads = replicas.all_reduce(tf.distribute.ReduceOp.MEAN, grads)
        super().apply(grads, trainable_variables)


def create(
    config: OptimizerConfig, mixed_precision: str = "float32"
) -> keras.optimizers.Optimizer:
    """Return the optimizer that a configuration describes, not yet built.

    In Adam, momentum is the decay of the first moment, and weight decay acts on the
    weights, apart from the gradient.

    Args:
        config: of the detector; `ema` is no part of the optimizer.
        mixed_precision: Keras' dtype policy; float16 needs scaled losses.
    """
    learning_rate = SteppedRate(
        config.learning_rate, config.decay_steps, config.warmup_steps
    )
    if config.kind == "adam":
        # Keras would compute a decay of 0, and the rate for it, for each variable.
        decay = config.weight_decay or None
        optimizer = Adam(learning_rate, config.momentum, weight_decay=decay)
    else:
        optimizer = CoupledSGD(learning_rate, config.momentum, config.weight_decay)
    return _with_loss_scale(optimizer, mixed_precision)


def create_adam(
    learning_rate: float, betas: tuple[float, float], mixed_precision: str
) -> keras.optimizers.Optimizer:
    """Return the Adam of a generator or discriminator, not yet built.

    Args:
        learning_rate: constant.
        betas: decays of the first and the second moment.
        mixed_precision: Keras' dtype policy; float16 needs scaled losses.
    """
    return _with_loss_scale(Adam(learning_rate, *betas, epsilon=1e-8), mixed_precision)


def _with_loss_scale(optimizer, mixed_precision):
    if mixed_precision == "mixed_float16":
        return LossScaleOptimizer(optimizer)
    return optimizer


def descend(
    tape: tf.GradientTape,
    loss: tf.Tensor,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    ema: EMA | None = None,
) -> None:
    """Move a model down the gradient of a loss, which the optimizer has scaled."""
    gradients = tape.gradient(loss, model.trainable_variables)
    apply(gradients, model, optimizer, ema)


def apply(
    gradients: list[tf.Tensor],
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    ema: EMA | None = None,
) -> None:
    """Move a model by gradients, which the optimizer sums over the replicas.

    Args:
        gradients: of `model.trainable_variables`.
        model: the network.
        optimizer: built on its variables.
        ema: of its variables, follows the step; None: none is kept.
    """
    before = tf.convert_to_tensor(optimizer.iterations)
    optimizer.apply(gradients, model.trainable_variables)
    if ema is not None:
        after = tf.convert_to_tensor(optimizer.iterations)
        ema.update(model.trainable_variables, before, after)
