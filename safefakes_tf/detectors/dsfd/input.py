"""Records of photos to endless batches of augmented detector input."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.config import AugmentationConfig
from safefakes_tf.detectors.dsfd import augmentation as augment
from safefakes_tf.training import record_stream
from safefakes_tf.training.batches import PhotoBatch, Positioned

BOX_BUCKET = 16  # G is a multiple of this, so that few shapes are ever traced
_MIN_INPUT_SIZE = 32  # px; the smallest anchor size must be well below it


def training_dataset(
    dataset: tf.data.Dataset,
    augmentation: AugmentationConfig,
    input_size: int,
    global_batch_size: int,
    seed: int,
    position: int = 0,
    anonymizer: Callable[[faces.Record], faces.Record] | None = None,
) -> tf.data.Dataset:
    """Return shuffled, augmented batches of photos with faces, without end.

    The stream of source elements is the data set shuffled anew for every epoch, with an
    order that depends on `seed` and the epoch's number only. An element's random
    choices depend on `seed` and its index in that stream only. So a pipeline started at
    `position` p goes on exactly as one started at 0 does after consuming element p - 1.

    Elements without a face of positive size, and those whose augmentation loses every
    face, are left out; the next one takes their place.

    Args:
        dataset: records as in `faces.py`, in a fixed order and of known number. `image`
            is uint8 [H, W, 3] or, better, the encoded file (string scalar): then only
            photos that are used are decoded.
        augmentation: settings of the crops.
        input_size: side S of the network input in pixels, at least 32.
        global_batch_size: B, photos per batch, over all replicas.
        seed: of the run, >= 0.
        position: index of the first source element to consume; to resume, one more
            than the last position of the last batch that was trained on.
        anonymizer: map stage applied to decoded records before augmentation, or None
            where the stored photos are used as they are.

    Returns:
        `Positioned` batches `PhotoBatch`, S the input size, G a multiple of 16.

    Raises:
        ValueError: a negative seed or position, an input size too small, a data set of
            unknown size, or one without any face.

    Source: dsfd.md, sections 9 and 9.2.
    """
    if seed < 0 or position < 0:
        raise ValueError(f"seed and position must be >= 0; got {seed} and {position}")
    if input_size < _MIN_INPUT_SIZE:
        raise ValueError(f"input_size must be >= {_MIN_INPUT_SIZE}; got {input_size}")
    _check_has_faces(dataset)
    records = record_stream.shuffled_epochs(dataset, seed, position)
    records = records.filter(lambda _, record: tf.reduce_any(valid_faces(record)))

    # Nothing to convert, and tracing takes half the time.
    @tf.autograph.experimental.do_not_convert
    def make_example(index, record):
        record = record_stream.decode(record)
        if anonymizer is not None:
            record = anonymizer(record)
        return _augmented(index, record, augmentation, input_size, seed)

    examples = records.map(
        make_example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    examples = examples.filter(lambda example: example.batch.num_boxes > 0)
    batches = examples.padded_batch(global_batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE)


def valid_faces(record: faces.Record) -> tf.Tensor:
    """Return bool [N]: faces of positive size that reach into the photo.

    Source: dsfd.md, section 9.1.
    """
    pixels, relative = record[faces.BBOX_PIXELS], record[faces.BBOX]
    annotated = tf.reduce_all(pixels[:, 2:] > 0, axis=1)
    return annotated & tf.reduce_all(relative[:, 2:] > relative[:, :2], axis=1)


def _check_has_faces(dataset: tf.data.Dataset) -> None:
    size = record_stream.known_size(dataset)
    with_face = dataset.filter(lambda record: tf.reduce_any(valid_faces(record)))
    if next(iter(with_face.take(1)), None) is None:
        raise ValueError(
            f"the training data set must have faces; got {size} photos without a face "
            "of positive width and height: check its annotations"
        )


def _augmented(
    index: tf.Tensor,
    record: faces.Record,
    augmentation: AugmentationConfig,
    size: int,
    seed: int,
) -> Positioned:
    """Return one unbatched example; its boxes are padded to a full bucket."""
    boxes = tf.boolean_mask(record[faces.BBOX_PIXELS], valid_faces(record))
    function = functools.partial(_augment_photo, seed, augmentation, size)
    image, boxes = tf.numpy_function(
        function, [index, record[faces.IMAGE], boxes], [tf.uint8, tf.float32]
    )
    boxes = tf.ensure_shape(boxes, [None, 4])
    count = tf.shape(boxes)[0]
    example = PhotoBatch(
        tf.ensure_shape(image, [size, size, 3]),
        tf.pad(boxes / size, [[0, -count % BOX_BUCKET], [0, 0]]),
        count,
    )
    return Positioned(example, index)


def _augment_photo(seed, augmentation, size, index, image, boxes_xywh):
    rng = np.random.default_rng((seed, int(index)))
    x, y, width, height = boxes_xywh.astype(np.float32).T
    boxes = np.stack([y, x, y + height, x + width], axis=1)
    return augment.augment(image, boxes, rng, augmentation, size)
