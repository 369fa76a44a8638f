"""Records in an endless shuffled stream that can be entered anywhere."""

from collections.abc import Callable

import tensorflow as tf

from safefakes_tf import faces

# The next element is drawn from so many. Another number would be another order.
SHUFFLE_BUFFER = 2048


class NumberedRecords(tf.data.Dataset):
    """Records in order that can also be read by their numbers.

    Attributes:
        size: number of records.
        read: number, int64 scalar -> the record, a graph.
    """

    def __init__(self, size: int, read: Callable[[tf.Tensor], faces.Record]):
        """Number the records from 0 to `size` - 1."""
        self.size, self.read = size, read
        numbers = tf.data.Dataset.range(size)
        in_order = numbers.map(read, tf.data.AUTOTUNE, deterministic=True)
        options = tf.data.Options()
        options.autotune.enabled = False  # see `loop`
        self._in_order = in_order.with_options(options)
        super().__init__(tf.data.experimental.to_variant(self._in_order))

    def _inputs(self):
        return [self._in_order]

    @property
    def element_spec(self) -> faces.Record:
        """Return what TensorFlow knows of a record."""
        return self._in_order.element_spec


def with_numbers(
    records: tf.data.Dataset, change: Callable[[tf.Tensor, faces.Record], faces.Record]
) -> tf.data.Dataset:
    """Return records that are changed, of the same kind of data set.

    Args:
        records: of known number.
        change: number, record -> the changed record, a graph.
    """
    if isinstance(records, NumberedRecords):
        return NumberedRecords(
            records.size, lambda number: change(number, records.read(number))
        )
    changed = records.enumerate().map(change, tf.data.AUTOTUNE, deterministic=True)
    return changed.apply(tf.data.experimental.assert_cardinality(len(records)))


def shuffled_epochs(
    dataset: tf.data.Dataset, seed: int, position: int
) -> tf.data.Dataset:
    """Return (index, record) pairs from index `position` on, epoch after epoch.

    The order depends on `seed` and the number of the epoch only. Of `NumberedRecords`
    the numbers alone are shuffled: no buffer holds photos, none has to fill before an
    epoch begins, and to begin at a position nothing is read but what comes from there.

    Args:
        dataset: of known size, in a fixed order.
        seed: of the run.
        position: index of the first element.
    """
    size = int(dataset.cardinality())
    first_epoch, offset = divmod(position, size)
    numbered = isinstance(dataset, NumberedRecords)
    elements = tf.data.Dataset.range(size) if numbered else dataset

    def epoch_from_offset(epoch):
        # Without this the order would also depend on tf.random.set_seed.
        tf.compat.v1.set_random_seed(1)
        epoch_seed = tf.random.stateless_uniform(
            [], tf.stack([tf.cast(seed, tf.int64), epoch]), None, None, tf.int64
        )
        skipped = tf.where(epoch == first_epoch, tf.cast(offset, tf.int64), 0)
        shuffled = elements.shuffle(
            min(size, SHUFFLE_BUFFER), epoch_seed, reshuffle_each_iteration=False
        )
        return shuffled.skip(skipped).enumerate(epoch * size + skipped)

    epochs = tf.data.Dataset.counter(first_epoch).flat_map(epoch_from_offset)
    if not numbered:
        return epochs
    return epochs.map(
        lambda index, number: (index, dataset.read(number)),
        tf.data.AUTOTUNE,
        deterministic=True,
    )


def decode(record: faces.Record) -> faces.Record:
    """Return the record with `image` as uint8 [H, W, 3], decoded if it was a file."""
    image = record[faces.IMAGE]
    if image.dtype != tf.string:
        return record
    image = tf.io.decode_image(image, channels=3, expand_animations=False)
    return {**record, faces.IMAGE: tf.ensure_shape(image, [None, None, 3])}


def known_size(dataset: tf.data.Dataset) -> int:
    """Return the number of elements.

    Raises:
        ValueError: if it is infinite or not known.
    """
    size = int(dataset.cardinality())
    if size < 0:
        raise ValueError(
            "the training data set must be finite and of known size; got cardinality "
            f"{size}: apply tf.data.experimental.assert_cardinality"
        )
    return size
