"""Threads of TensorFlow's operations, by how much each has to do."""

import contextlib

import tensorflow as tf

from safefakes_tf.config import TrainDetector

# Of a detector's batch: pixels, as narrow networks see them. Of an eighth of the
# channels and 64 x 64 pixels it has 512, of the published one 1,638,400.
SMALL = 4096


def set_up(settings: TrainDetector) -> None:
    """Give each operation of a small detector one thread; they run side by side then.

    It takes longer to wake a second thread than it saves of a small convolution. Sums
    are rounded otherwise than with more threads. Where TensorFlow has started, its
    threads stay as they are.

    Args:
        settings: of a training.
    """
    model = settings.model
    side = model.input_size * model.width_multiplier
    if settings.loop.global_batch_size * side**2 > SMALL:
        return
    with contextlib.suppress(RuntimeError):  # TensorFlow has started
        tf.config.threading.set_intra_op_parallelism_threads(1)
