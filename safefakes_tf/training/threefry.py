"""Random numbers for batches, each row's from a seed of its own.

TensorFlow's stateless functions take one seed for all numbers, so a batch of seeds
needs a loop, and XLA draws other normal numbers than TensorFlow does. These are plain
arithmetic on whole batches.

Source: "Parallel Random Numbers: As Easy as 1, 2, 3" (Salmon et al., SC 2011), section
4.3.
"""

import math

import tensorflow as tf

# Of Threefry with two words of 64 bits.
_ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
_PARITY = 0x1BD11BDAA9FC1A22
_ROUNDS = 20


def words(keys: tf.Tensor, counters: tf.Tensor) -> tf.Tensor:
    """Return the random bits that belong to keys and counters.

    Args:
        keys, counters: uint64 [..., 2], of shapes that broadcast.

    Returns:
        uint64 [..., 2].
    """
    first, second = tf.unstack(keys, axis=-1)
    parts = first, second, first ^ second ^ tf.constant(_PARITY, tf.uint64)
    x, y = tf.unstack(counters, axis=-1)
    x, y = x + parts[0], y + parts[1]
    for number in range(_ROUNDS):
        x += y
        y = _rotated(y, _ROTATIONS[number % len(_ROTATIONS)]) ^ x
        injection, rest = divmod(number + 1, 4)
        if not rest:
            x += parts[injection % 3]
            y += parts[(injection + 1) % 3] + tf.constant(injection, tf.uint64)
    return tf.stack([x, y], axis=-1)


def uniform(seeds: tf.Tensor, shape: tuple[int, ...], stream: int) -> tf.Tensor:
    """Return numbers in 0..1, the end excluded, that depend on a row's seed only.

    Args:
        seeds: int64 [N, 2], one for each row.
        shape: of a row.
        stream: number of the purpose, >= 0: other streams give other numbers.

    Returns:
        float32 [N, *shape].
    """
    count = math.prod(shape)
    blocks = tf.range(-(-count // 4), dtype=tf.int64)  # of two words, two numbers each
    counters = tf.stack([tf.fill(tf.shape(blocks), tf.cast(stream, tf.int64)), blocks])
    keys = tf.bitcast(seeds, tf.uint64)[:, tf.newaxis]
    bits = words(keys, tf.bitcast(tf.transpose(counters), tf.uint64))
    low = tf.bitwise.right_shift(bits, _whole(8)) & _whole(2**24 - 1)
    halves = tf.stack([tf.bitwise.right_shift(bits, _whole(40)), low], axis=-1)
    # All of 24 bits are whole numbers in float32.
    numbers = tf.cast(tf.cast(halves, tf.int32), tf.float32) * 2.0**-24
    numbers = tf.reshape(numbers, [-1, halves.shape[1] * 4])[:, :count]
    return tf.reshape(numbers, [-1, *shape])


def normal(seeds: tf.Tensor, shape: tuple[int, ...], stream: int) -> tf.Tensor:
    """Return numbers of mean 0 and variance 1; see `uniform`.

    Source: "A Note on the Generation of Random Normal Deviates" (Box and Muller, 1958).
    """
    count = math.prod(shape)
    pairs = -(-count // 2)
    # In float64, as compilers and devices differ in the last bit of these functions.
    draw = tf.cast(uniform(seeds, (2, pairs), stream), tf.float64)
    radius, angle = tf.sqrt(-2 * tf.math.log(1 - draw[:, 0])), 2 * math.pi * draw[:, 1]
    numbers = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
    return tf.reshape(tf.cast(numbers[:, :count], tf.float32), [-1, *shape])


def _rotated(values, bits):
    left = tf.bitwise.left_shift(values, _whole(bits))
    return left | tf.bitwise.right_shift(values, _whole(64 - bits))


def _whole(number):
    return tf.constant(number, tf.uint64)
