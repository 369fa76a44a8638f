"""The one training loop: restore, step, log, checkpoint."""

import contextlib
import json
import pathlib
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf
import tqdm

from safefakes_tf import atomic, printing
from safefakes_tf import workdir as files
from safefakes_tf.config import LoopConfig
from safefakes_tf.training import ema, metrics_file, steps
from safefakes_tf.training.strategy import is_chief


class Trainer(Protocol):
    """What the loop needs to know of a method.

    Attributes:
        items: what a checkpoint holds, by name: models, optimizers, EMAs.
        compiles: whether XLA can compile `train_step`.
        optimizes: whether TensorFlow optimises its graph on a CPU. Of a long graph
            that takes seconds, and a step of large convolutions is not faster for it.
    """

    items: dict[str, Any]
    compiles: bool
    optimizes: bool

    def train_step(self, batch: NamedTuple) -> dict[str, tf.Tensor]:
        """Learn from one replica's share of a batch.

        Returns scalars whose sum over the replicas is the global metric; "total" is the
        loss. Called inside `strategy.run`.
        """

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""

    def image_summary(self, batch: NamedTuple) -> np.ndarray:
        """Return a uint8 image [H, W, 3] that shows how the model does on a batch."""


class NonFiniteLoss(ValueError):
    """Loss or weights became NaN or infinite; the last good checkpoint is kept."""


def train(
    trainer: Trainer,
    make_dataset: Callable[[int], tf.data.Dataset],
    strategy: tf.distribute.Strategy,
    config: LoopConfig,
    workdir: pathlib.Path,
    on_checkpoint: Callable[[int], None] = lambda step: None,
) -> None:
    """Train up to `config.total_steps`, going on from the newest checkpoint if any.

    Args:
        trainer: built under `strategy.scope()`.
        make_dataset: source position -> endless dataset of `batches.Positioned` global
            batches that starts there.
        strategy: any tf.distribute strategy that keeps variables mirrored.
        config: length and rhythm.
        workdir: gets `checkpoints/`, `metrics.jsonl`, `pictures/` and `tensorboard/`.
            Shared by all workers of a cluster.
        on_checkpoint: called by the chief with the step of each checkpoint, once it is
            stored, and again where a training goes on from it: a kill may have come
            between the two.

    Raises:
        NonFiniteLoss: if a loss, or a weight that is to be kept, is NaN or infinite.
        ValueError: if the batch does not split evenly over the replicas.
    """
    _check_split(config.global_batch_size, strategy)
    xla = steps.uses_xla(config.xla, trainer, strategy)
    chief = is_chief(strategy)
    # 1. Resume where the last checkpoint stood; the caller has set the initial weights.
    progress = _Progress(trainer, strategy, workdir)
    start = progress.restore()
    if chief and start:
        on_checkpoint(start)
    log = _Log(workdir, start) if chief else None
    batches = iter(_untuned(make_dataset(progress.position())))
    calls = steps.Calls(trainer, strategy, config.global_batch_size, xla)

    # 2. Step, log, checkpoint.
    bar = tqdm.tqdm(
        initial=start,
        total=config.total_steps,
        desc="training",
        unit="step",
        disable=not chief,
        mininterval=1.0,
        file=sys.stdout,
    )
    step, unread = start, []  # what calls return stays on the device until it is read
    while step < config.total_steps:
        stop = _next_stop(step, config)
        taken = calls(batches, tf.constant(step, tf.int64), tf.constant(stop, tf.int64))
        unread.append(taken._replace(batch=None))
        bar.update(stop - step)
        step = stop

        def due(every, step=step):
            return step == config.total_steps or step % every == 0

        if not any(map(due, _rhythms(config))):
            continue
        losses = _read(unread, calls.names, workdir)
        unread.clear()
        if chief and due(config.log_every):
            learning_rate = trainer.learning_rate()
            log.scalars(step, losses, learning_rate)
            bar.set_postfix(loss=f"{losses['total']:.3f}", rate=f"{learning_rate:.1e}")
        if due(config.checkpoint_every):
            _check_weights(trainer, step, workdir)
            progress.save(step, taken.position)
            if chief:
                on_checkpoint(step)
        # Last: a picture that fails, as for lack of memory, costs no steps.
        if chief and due(config.image_summary_every):
            first = steps.share_of(0, taken.batch, strategy, config.global_batch_size)
            log.image(step, trainer.image_summary(first))
    bar.close()
    progress.close()


def _rhythms(config):
    return config.log_every, config.image_summary_every, config.checkpoint_every


def _next_stop(step, config):
    """Return the step at which a call that starts at `step` has to end."""
    ends = [(step // every + 1) * every for every in _rhythms(config)]
    return min(step + config.steps_per_call, config.total_steps, *ends)


def _read(calls, names, workdir):
    """Return the losses of the last step, by name, once all before are finite."""
    for taken in calls:
        losses = dict(zip(names, taken.losses.numpy().tolist(), strict=True))
        _check_finite(losses, int(taken.step), workdir)
    return losses


class _Progress:
    """Step, position in the data, and a trainer's items, as one checkpoint."""

    def __init__(self, trainer, strategy, workdir):
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._position = tf.Variable(0, dtype=tf.int64, trainable=False)
        counters = {"step": self._step, "position": self._position}
        self._items = {**counters, **trainer.items}
        folder = workdir / files.CHECKPOINTS
        self._newest = _newest(folder)
        # Every worker has to take part in a save, but only the chief's is kept.
        self._scratch = None
        if is_chief(strategy):
            _remove_unfinished(folder)
        else:
            task = strategy.cluster_resolver.task_id
            self._scratch = workdir / f"checkpoints-of-worker-{task}"
        self._folder = self._scratch or folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(**self._items),
            str(self._folder),
            max_to_keep=2,
            step_counter=self._step,
        )

    def restore(self):
        """Return the step to go on from, after loading its state."""
        if newest := self._newest:
            with _reading(newest):
                items = ema.laid_out_as_in(newest, self._items)
                tf.train.Checkpoint(**items).restore(newest).assert_consumed()
            print(f"resuming at step {int(self._step)} from {newest}", flush=True)
        return int(self._step)

    def position(self):
        return int(self._position)

    def save(self, step, position):
        self._step.assign(step)
        self._position.assign(position)
        self._folder.stat()  # TensorFlow would make it anew, and go on without the rest
        self._manager.save(checkpoint_number=self._step)

    def close(self):
        if self._scratch is not None:
            tf.io.gfile.rmtree(str(self._scratch))


class _Log:
    """`metrics.jsonl` and TensorBoard, cut back to the step that is resumed."""

    def __init__(self, workdir, start):
        self._path = workdir / files.METRICS
        self._began = time.monotonic()
        if self._path.exists():
            logged = metrics_file.read(self._path)
            kept = [record for record in logged if record["step"] <= start]
            text = "".join(json.dumps(record) + "\n" for record in kept)
            atomic.write_text(self._path, text)
            if kept:
                self._began -= kept[-1]["seconds"]
        self._pictures = workdir / files.IMAGE_SUMMARIES
        self._writer = tf.summary.create_file_writer(str(workdir / files.TENSORBOARD))

    def scalars(self, step, losses, learning_rate):
        seconds = round(time.monotonic() - self._began, 1)
        metrics = {"learning_rate": learning_rate, **losses}
        record = {"step": step, "seconds": seconds, **metrics}
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        with self._writer.as_default(step=step):
            tf.summary.scalar("learning_rate", learning_rate)
            for name, value in losses.items():
                tf.summary.scalar(f"loss/{name}", value)

    def image(self, step, image):
        with self._writer.as_default(step=step):
            tf.summary.image("picture", image[None])
        path = self._pictures / f"{step:08d}.png"
        tf.io.write_file(str(path), tf.io.encode_png(image))


def _remove_unfinished(folder):
    """Remove what saves that were killed had begun to write."""
    for unfinished in folder.glob("*_temp"):
        shutil.rmtree(unfinished)


def _newest(folder):
    """Return the path of the newest checkpoint in a folder; None: there is none."""
    with _reading(folder):
        newest = tf.train.latest_checkpoint(str(folder))
        # Written last: without it no checkpoint was ever finished.
        if newest is None and (folder / "checkpoint").exists():
            raise ValueError("its file `checkpoint` names one that is not there")
    return newest


@contextlib.contextmanager
def _reading(checkpoint):
    try:
        yield
    except Exception as error:  # a broken file can fail in any way
        reason = printing.shortened(str(error).strip().partition("\n")[0])
        raise ValueError(
            f"the checkpoint {checkpoint} is broken, or of another version ({reason}); "
            "put a copy in its place, or choose another --workdir to start anew"
        ) from error


def _untuned(dataset):
    """Return the dataset without the tuner of its parallel calls and buffers.

    TensorFlow 2.21's tuner sleeps for up to a minute, and now and then does not wake
    when its iterator goes: the end of every training waits for it. Without it a map
    marked AUTOTUNE makes at most 16 calls at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _check_split(batch_size, strategy):
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"loop.global_batch_size must be a multiple of the {replicas} replicas; "
            f"got {batch_size}"
        )


def _check_finite(losses, step, workdir):
    if all(np.isfinite(value) for value in losses.values()):
        return
    report = ", ".join(f"{name} {value:g}" for name, value in losses.items())
    raise _diverged(step, f"the loss is not finite ({report})", workdir)


def _check_weights(trainer, step, workdir):
    """A step may spoil the weights after its loss was computed."""
    for name, item in trainer.items.items():
        if isinstance(item, keras.Model) and not all(
            np.isfinite(weight).all() for weight in item.get_weights()
        ):
            raise _diverged(step, f"weights of {name} are not finite", workdir)


def _diverged(step, what, workdir):
    half = keras.config.dtype_policy().compute_dtype == "float16"
    wider = "float16 ends at 65,504: set loop.mixed_precision=mixed_bfloat16, or "
    return NonFiniteLoss(
        f"step {step}: {what}; the last good checkpoint is in "
        f"{workdir / 'checkpoints'}; {wider * half}lower the learning rate "
        "(optimizer.learning_rate, or gan.generator_learning_rate and "
        "gan.discriminator_learning_rate) in a new work folder"
    )
