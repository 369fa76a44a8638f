"""Steps of a training as graphs: how a batch is split, compiled, and taken in calls."""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf


class Taken(NamedTuple):
    """What a call of several steps did.

    Attributes:
        step: int64 scalar, number of the step, from 1, that `losses` belong to.
        losses: float64 [K], those of the last step; once one is not finite, those of
            the first such step.
        position: int64 scalar, the source element from which to go on.
        batch: the global batch of the last step.
    """

    step: tf.Tensor
    losses: tf.Tensor
    position: tf.Tensor
    batch: NamedTuple


def uses_xla(setting: str, trainer, strategy: tf.distribute.Strategy) -> bool:
    """Tell whether XLA compiles a trainer's steps.

    On two CPU cores that made the detector's step slower, and takes a minute to begin.

    Args:
        setting: "on", "off", or "auto": on one GPU, for trainers that can be compiled.
        trainer: a `loop.Trainer`.
        strategy: where it learns.

    Raises:
        ValueError: "on" with several replicas: what XLA compiles has one device.
    """
    one = strategy.num_replicas_in_sync == 1
    if setting == "on" and not one:
        raise ValueError(
            "loop.xla=on needs one device; got "
            f"{strategy.num_replicas_in_sync} replicas: choose auto or off"
        )
    if setting == "auto":
        return trainer.compiles and one and "GPU" in strategy.extended.worker_devices[0]
    return setting == "on"


@contextlib.contextmanager
def optimization(trainer, strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Have TensorFlow optimise the graphs that are called here, where that pays.

    Its optimiser, Grappler, is one of the whole process; afterwards it is as before. A
    GPU needs it, for the layout of its convolutions.

    Args:
        trainer: a `loop.Trainer`.
        strategy: where it learns.
    """
    devices = strategy.extended.worker_devices
    if trainer.optimizes or any("GPU" in device for device in devices):
        yield
        return
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


def make_step(
    trainer, strategy: tf.distribute.Strategy, xla: bool
) -> Callable[[NamedTuple], dict[str, tf.Tensor]]:
    """Return a graph: batch from `distribute` -> losses of the global batch."""
    learn = trainer.train_step
    if xla:
        learn = tf.function(learn, autograph=False, jit_compile=True)

    @tf.function(reduce_retracing=True, autograph=False)  # traces in half the time
    def step(batch):
        losses = strategy.run(learn, args=(batch,))
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in losses.items()
        }

    return step


class Calls:
    """Takes several steps in one call of a graph, which is slow to start.

    Args:
        trainer: a `loop.Trainer`.
        strategy: where it learns.
        batch_size: of the global batches.
        xla: whether steps are compiled.

    Attributes:
        names: of the losses, once a call was made.
    """

    def __init__(
        self, trainer, strategy: tf.distribute.Strategy, batch_size: int, xla: bool
    ):
        self.names = ()
        self._step = make_step(trainer, strategy, xla)
        self._trainer = trainer
        self._strategy = strategy
        self._batch_size = batch_size

    def __call__(
        self, batches: tf.data.Iterator, first: tf.Tensor, last: tf.Tensor
    ) -> Taken:
        """Take the steps from `first` to `last` - 1, int64 scalars, in turn.

        Args:
            batches: iterator of `batches.Positioned`.
            first, last: numbers of steps, from 0.
        """
        with optimization(self._trainer, self._strategy):
            return self._take(batches, first, last)

    @tf.function(autograph=False)
    def _take(self, batches, first, last):
        before, _ = tf.nest.map_structure(
            lambda spec: tf.zeros([side or 0 for side in spec.shape], spec.dtype),
            batches.element_spec,
        )
        nothing = Taken(first, tf.zeros([1], tf.float64), first, before)
        shapes = nothing._replace(
            step=first.shape,
            losses=tf.TensorShape([None]),
            position=first.shape,
            batch=tf.nest.map_structure(
                lambda spec: spec.shape, batches.element_spec.batch
            ),
        )
        _, taken = tf.while_loop(
            lambda step, _: step < last,
            lambda step, taken: (step + 1, self._go_on(batches, step, taken)),
            (first, nothing),
            shape_invariants=(first.shape, shapes),
            parallel_iterations=1,
        )
        return taken

    def _go_on(self, batches, step, taken):
        batch, positions = batches.get_next()
        losses = self._step(distribute(batch, self._strategy, self._batch_size))
        self.names = tuple(losses)
        values = tf.stack([tf.cast(value, tf.float64) for value in losses.values()])
        finite = tf.reduce_all(tf.math.is_finite(taken.losses))
        return Taken(
            tf.where(finite, step + 1, taken.step),
            tf.where(finite, values, taken.losses),
            tf.reduce_max(positions) + 1,
            batch,
        )


def distribute(
    batch: NamedTuple, strategy: tf.distribute.Strategy, batch_size: int
) -> NamedTuple:
    """Give each replica its slice of the global batch.

    Every worker reads the whole batch and takes its part. That repeats the reading, but
    one device and many then see the same batches: which photos a batch has depends on
    what was dropped before them, so that a worker cannot know its own without looking
    at all others. An iterator of the strategy's own would also be tuned; see
    `loop._untuned`.
    """

    def of_replica(context):
        number = context.replica_id_in_sync_group
        return share_of(number, batch, strategy, batch_size)

    return strategy.experimental_distribute_values_from_function(of_replica)


def share_of(
    replica: int, batch: NamedTuple, strategy: tf.distribute.Strategy, batch_size: int
) -> NamedTuple:
    """Return the slice of the global batch that a replica learns from."""
    size = batch_size // strategy.num_replicas_in_sync
    part = slice(replica * size, (replica + 1) * size)
    with tf.device("CPU:0"):  # else a GPU would get the whole batch first
        return tf.nest.map_structure(lambda values: values[part], batch)
