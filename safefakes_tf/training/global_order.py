"""An endless shuffled order that is entered anywhere without reading what came before.

A keyed permutation of the elements' numbers takes the place of a buffer of elements.
"""

import tensorflow as tf


def shuffled(index: tf.Tensor, size: int, seed: int) -> tf.Tensor:
    """Return which element comes at an index of the order.

    Each epoch has every element once, anywhere in it. Its order depends on `seed` and
    the number of the epoch only.

    Args:
        index: int64 scalar, >= 0.
        size: number of elements, >= 1.
        seed: of the run, >= 0.

    Returns:
        int64 scalar, 0 ... size - 1.
    """
    epoch, place = index // size, index % size
    # Mixed, as the permutation may look at the last eight bits of its seeds only.
    seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
    seeds = tf.random.stateless_uniform([2], seeds, None, None, tf.int64)
    last = tf.constant(size - 1, tf.int64)
    return tf.random.experimental.index_shuffle(place, seeds, last)
