"""Random numbers by seed: published vectors, and rows that do not share anything."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.training import threefry

SEEDS = tf.constant([[5, 0], [5, 1], [6, 0], [5, 2**40]], tf.int64)


@pytest.mark.parametrize(
    ("keys", "counters", "expected"),
    [
        ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
        (
            (2**64 - 1, 2**64 - 1),
            (2**64 - 1, 2**64 - 1),
            (0xE02CB7C4D95D277A, 0xD06633D0893B8B68),
        ),
        (
            (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x243F6A8885A308D3, 0x13198A2E03707344),
            (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
        ),
    ],
)
def test_words_are_those_of_the_paper(keys, counters, expected):
    """The vectors come with the authors' programme, for 20 rounds."""
    words = threefry.words(
        tf.constant(keys, tf.uint64), tf.constant(counters, tf.uint64)
    )
    assert tuple(map(int, words.numpy())) == expected


@pytest.mark.parametrize("draw", [threefry.uniform, threefry.normal])
def test_a_row_depends_on_its_seed_and_stream_only(draw):
    together = draw(SEEDS, (3, 5), 2).numpy()
    assert together.shape == (4, 3, 5)
    assert len(np.unique(together)) == together.size
    for row, seed in zip(together, SEEDS, strict=True):
        np.testing.assert_array_equal(row, draw(seed[tf.newaxis], (3, 5), 2)[0])
    assert not np.isin(draw(SEEDS, (3, 5), 3), together).any()


@pytest.mark.parametrize("draw", [threefry.uniform, threefry.normal])
def test_compiled_numbers_are_the_same_to_the_bit(draw):
    def numbers(seeds):
        return draw(seeds, (501,), 0)

    compiled = tf.function(numbers, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(compiled(SEEDS), numbers(SEEDS))


def test_numbers_are_distributed_as_they_should_be():
    seeds = tf.stack([tf.zeros(200, tf.int64), tf.range(200, dtype=tf.int64)], 1)
    uniform = threefry.uniform(seeds, (100,), 0).numpy().ravel()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    counts, _ = np.histogram(uniform, 10, (0, 1))
    np.testing.assert_allclose(counts, 2000, atol=5 * 2000**0.5)
    normal = np.sort(threefry.normal(seeds, (100,), 0).numpy().ravel())
    assert abs(normal.mean()) < 5 / len(normal) ** 0.5
    quantiles = np.interp(
        [0.0228, 0.1587, 0.8413, 0.9772], (np.arange(20_000) + 0.5) / 2e4, normal
    )
    np.testing.assert_allclose(quantiles, [-2, -1, 1, 2], atol=0.1)
