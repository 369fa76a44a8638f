"""The order of records, whether they are shuffled themselves or their numbers."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.training import record_stream

SIZE, SEED = 10, 3


def record(number):
    return {"value": 7 * number, "text": tf.strings.as_string(number)}


def take(dataset, count):
    return list(itertools.islice(dataset.as_numpy_iterator(), count))


@pytest.fixture
def small_buffer(monkeypatch):
    monkeypatch.setattr(record_stream, "SHUFFLE_BUFFER", 4)


@pytest.mark.usefixtures("small_buffer")
@pytest.mark.parametrize("position", [0, 7, 25])
def test_numbers_come_in_the_order_of_records(position):
    plain = tf.data.Dataset.range(SIZE).map(record)
    numbered = record_stream.NumberedRecords(SIZE, record)
    expected = take(record_stream.shuffled_epochs(plain, SEED, position), 28)
    assert take(record_stream.shuffled_epochs(numbered, SEED, position), 28) == expected
    assert [index for index, _ in expected] == list(range(position, position + 28))
    whole = -(-position // SIZE)
    epoch = [each["value"] for index, each in expected if index // SIZE == whole]
    assert sorted(epoch) == [7 * number for number in range(SIZE)]
    assert epoch != sorted(epoch)


def test_nothing_is_read_ahead_but_what_comes_next():
    size, position, read = 3000, 2500, []

    def note(number):
        read.append(int(number))
        return number

    numbered = record_stream.NumberedRecords(
        size, lambda number: tf.numpy_function(note, [number], tf.int64)
    )
    stream = record_stream.shuffled_epochs(numbered, SEED, position)
    options = tf.data.Options()
    options.autotune.enabled = False
    take(stream.with_options(options), 3)
    assert len(read) < 100
    plain = record_stream.shuffled_epochs(tf.data.Dataset.range(size), SEED, position)
    assert set(read) <= {number for _, number in take(plain, 100)}


def test_numbered_records_are_a_data_set_in_order():
    numbered = record_stream.NumberedRecords(SIZE, record)
    plain = tf.data.Dataset.range(SIZE).map(record)
    assert numbered.element_spec == plain.element_spec
    assert len(numbered) == SIZE
    assert take(numbered, SIZE + 1) == take(plain, SIZE)
    assert not numbered.options().autotune.enabled


@pytest.mark.parametrize("kind", ["plain", "numbered"])
def test_changes_know_the_number(kind):
    records = record_stream.NumberedRecords(SIZE, record)
    if kind == "plain":
        records = tf.data.Dataset.range(SIZE).map(record)
    changed = record_stream.with_numbers(
        records, lambda number, each: {**each, "half": number // 2}
    )
    assert isinstance(changed, record_stream.NumberedRecords) == (kind == "numbered")
    assert len(changed) == SIZE
    halves = [each["half"] for each in changed.as_numpy_iterator()]
    np.testing.assert_array_equal(halves, np.arange(SIZE) // 2)
