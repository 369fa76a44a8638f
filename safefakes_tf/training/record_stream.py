"""Records in an endless shuffled stream that can be entered anywhere."""

import tensorflow as tf

from safefakes_tf import faces

SHUFFLE_BUFFER = 2048  # encoded photos


def shuffled_epochs(
    dataset: tf.data.Dataset, seed: int, position: int
) -> tf.data.Dataset:
    """Return (index, record) pairs from index `position` on, epoch after epoch.

    The order depends on `seed` and the number of the epoch only.

    Args:
        dataset: of known size, in a fixed order.
        seed: of the run.
        position: index of the first element.
    """
    size = int(dataset.cardinality())
    first_epoch, offset = divmod(position, size)

    def epoch_from_offset(epoch):
        # Without this the order would also depend on tf.random.set_seed.
        tf.compat.v1.set_random_seed(1)
        epoch_seed = tf.random.stateless_uniform(
            [], tf.stack([tf.cast(seed, tf.int64), epoch]), None, None, tf.int64
        )
        skipped = tf.where(epoch == first_epoch, tf.cast(offset, tf.int64), 0)
        shuffled = dataset.shuffle(
            min(size, SHUFFLE_BUFFER), epoch_seed, reshuffle_each_iteration=False
        )
        return shuffled.skip(skipped).enumerate(epoch * size + skipped)

    return tf.data.Dataset.counter(first_epoch).flat_map(epoch_from_offset)


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
