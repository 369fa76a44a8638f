"""The training stream: contents, drops, order and exact resume."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.config import AugmentationConfig
from safefakes_tf.detectors.dsfd import input as detection
from safefakes_tf.training.record_stream import decode

SIZE, BATCH = 48, 2


def make_photos(count, seed=0):
    """Return (file, boxes in pixels, relative boxes); every third has no face."""
    rng = np.random.default_rng(seed)
    photos = []
    for index in range(count):
        height, width = rng.integers(50, 90, 2)
        boxes = rng.integers(8, 30, (int(index % 3), 4)).astype(np.int32)
        photos.append(photo(height, width, boxes, seed=index))
    return photos


def photo(height, width, boxes, seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    boxes = np.array(boxes, np.int32).reshape(-1, 4)
    x, y, w, h = boxes.T
    relative = np.stack([y / height, x / width, (y + h) / height, (x + w) / width], 1)
    encoded = tf.io.encode_png(image.astype(np.uint8)).numpy()
    return encoded, boxes, relative.clip(0, 1).astype(np.float32)


def to_dataset(photos):
    """Return records of known number, images still encoded."""
    pixels = tf.RaggedTensor.from_row_lengths(
        np.concatenate([boxes for _, boxes, _ in photos]), [len(p[1]) for p in photos]
    )
    relative = pixels.with_values(np.concatenate([boxes for *_, boxes in photos]))
    names = [f"{index}.png" for index in range(len(photos))]
    columns = ([file for file, *_ in photos], names, pixels, relative)
    return tf.data.Dataset.from_tensor_slices(columns).map(
        lambda image, name, pixels, relative: {
            faces.IMAGE: image,
            faces.FILENAME: name,
            faces.BBOX_PIXELS: pixels,
            faces.BBOX: relative,
        }
    )


def stream(dataset, seed=3, position=0, **options):
    return detection.training_dataset(
        dataset, AugmentationConfig(), SIZE, BATCH, seed, position, **options
    )


def take(batches, count):
    return list(itertools.islice(batches.as_numpy_iterator(), count))


def assert_equal_batches(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one.position, other.position)
        for name, value in one.batch._asdict().items():
            np.testing.assert_array_equal(value, getattr(other.batch, name), name)


@pytest.fixture(scope="module")
def dataset():
    return to_dataset(make_photos(7))


@pytest.fixture(scope="module")
def start(dataset):
    return take(stream(dataset), 14)


def test_batches_have_the_agreed_form(dataset, start):
    spec = stream(dataset).element_spec
    assert spec.batch.image == tf.TensorSpec([BATCH, SIZE, SIZE, 3], tf.uint8)
    assert spec.batch.boxes == tf.TensorSpec([BATCH, None, 4], tf.float32)
    assert spec.batch.num_boxes == tf.TensorSpec([BATCH], tf.int32)
    assert spec.position == tf.TensorSpec([BATCH], tf.int64)
    for batch, _ in start:
        assert batch.boxes.shape[1] % detection.BOX_BUCKET == 0
        assert 200 < batch.image.max() <= 255
        for boxes, count in zip(batch.boxes, batch.num_boxes, strict=True):
            assert count > 0
            assert (boxes[:count, 2:] > boxes[:count, :2]).all()
            assert not boxes[count:].any()


def test_positions_rise_and_pass_over_photos_without_a_face(start):
    positions = np.concatenate([batch.position for batch in start])
    assert (np.diff(positions) > 0).all()
    # Three of the seven photos of an epoch have no face.
    per_epoch = np.bincount(positions // 7)[:-1]
    assert per_epoch.max() <= 4


@pytest.mark.parametrize("batches_before", [1, 2, 3, 5, 9])
def test_resume_continues_bit_for_bit(dataset, start, batches_before):
    position = int(start[batches_before - 1].position[-1]) + 1
    tf.random.set_seed(batches_before)  # must not matter
    resumed = take(stream(dataset, position=position), len(start) - batches_before)
    assert_equal_batches(resumed, start[batches_before:])


def test_resume_at_an_epoch_border_and_inside_a_batch(dataset, start):
    positions = np.concatenate([batch.position for batch in start])
    images = np.concatenate([batch.image for batch, _ in start])
    for position in (7, 14, int(positions[2])):
        index = int(np.searchsorted(positions, position))
        resumed = take(stream(dataset, position=position), 3)
        np.testing.assert_array_equal(
            np.concatenate([batch.image for batch, _ in resumed]),
            images[index : index + 3 * BATCH],
        )


def test_every_epoch_has_each_photo_once_in_another_order(monkeypatch):
    def stamp(photo, boxes, *_):
        return np.full((SIZE, SIZE, 3), photo[0, 0, 0]), np.float32([[4, 4, 20, 20]])

    monkeypatch.setattr(detection.augment, "augment", stamp)
    photos = []
    for index in range(8):
        image = np.full((20, 20, 3), index, np.uint8)
        _, pixels, relative = photo(20, 20, [[2, 2, 9, 9]])
        photos.append((tf.io.encode_png(image).numpy(), pixels, relative))
    batches = take(stream(to_dataset(photos)), 12)
    order = np.concatenate([batch.image[:, 0, 0, 0] for batch, _ in batches])
    epochs = order.reshape(3, 8).astype(int)
    for epoch in epochs:
        assert sorted(epoch) == list(range(8))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_seeds_differ(dataset, start):
    other = take(stream(dataset, seed=4), 1)[0]
    assert not np.array_equal(other.batch.image, start[0].batch.image)


def test_number_of_threads_does_not_matter(dataset, start):
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.autotune.enabled = False
    alone = take(stream(dataset).with_options(options), len(start))
    assert_equal_batches(alone, start)


def test_decoded_records_give_the_same_batches(dataset, start):
    decoded = dataset.map(decode)
    assert decoded.element_spec[faces.IMAGE].dtype == tf.uint8
    assert_equal_batches(take(stream(decoded), 3), start[:3])


def test_invalid_faces_never_reach_the_augmentation(monkeypatch):
    seen = []

    def watch(image, boxes, *_):
        seen.append(boxes)
        return np.zeros((SIZE, SIZE, 3), np.uint8), boxes

    monkeypatch.setattr(detection.augment, "augment", watch)
    boxes = [[1, 2, 0, 5], [3, 4, 10, 20], [3, 4, 10, 0], [3, 4, -2, 9], [90, 0, 9, 9]]
    take(stream(to_dataset([photo(40, 50, boxes)])), 2)
    for boxes in seen:
        np.testing.assert_array_equal(boxes, [[4, 3, 24, 13]])


def test_a_photo_that_loses_every_face_is_replaced_by_the_next(monkeypatch):
    def lose_dark_ones(image, boxes, *_):
        view = np.full((SIZE, SIZE, 3), image[0, 0, 0], np.uint8)
        return view, boxes[: int(image[0, 0, 0] > 100)]

    monkeypatch.setattr(detection.augment, "augment", lose_dark_ones)
    _, pixels, relative = photo(20, 20, [[2, 2, 9, 9]])
    photos = [
        (
            tf.io.encode_png(np.full((20, 20, 3), level, np.uint8)).numpy(),
            pixels,
            relative,
        )
        for level in (50, 150, 60, 160)
    ]
    batches = take(stream(to_dataset(photos)), 6)
    assert all(batch.image.min() > 100 for batch, _ in batches)
    positions = np.concatenate([batch.position for batch in batches])
    np.testing.assert_array_equal(np.bincount(positions // 4)[:5], 2)


def test_anonymizer_gets_the_whole_decoded_record_before_augmentation(monkeypatch):
    monkeypatch.setattr(
        detection.augment.colour_distortion, "distort", lambda image, rng: image
    )
    shapes = []

    def to_green(record):
        shapes.append(record[faces.IMAGE].shape)
        assert record[faces.FILENAME].dtype == tf.string
        green = tf.zeros_like(record[faces.IMAGE]) + tf.constant([0, 255, 0], tf.uint8)
        count = tf.shape(record[faces.BBOX])[0]
        return {**record, faces.IMAGE: green, faces.ACTION: tf.zeros([count], tf.int64)}

    for batch, _ in take(stream(to_dataset(make_photos(4)), anonymizer=to_green), 4):
        pixels = batch.image.reshape(-1, 3)
        fill = (pixels == detection.augment.FILL).all(axis=1)
        assert (~fill).any()
        # Filters of the resize may blend the fill with green, never bring in noise.
        assert (pixels[~fill][:, 0] <= 110).all()
    assert shapes[0].as_list() == [None, None, 3]


def test_greyscale_and_16_bit_files_become_rgb():
    grey = tf.constant(np.arange(30 * 20).reshape(30, 20, 1) % 256, tf.uint8)
    deep = tf.cast(grey, tf.uint16) * 257
    for file in (tf.io.encode_jpeg(grey), tf.io.encode_png(deep)):
        image = decode({faces.IMAGE: file})[faces.IMAGE]
        assert image.dtype == tf.uint8 and image.shape == (30, 20, 3)


@pytest.mark.parametrize("boxes", [[], [[3, 3, 0, 9]], [[100, 5, 9, 9]]])
def test_a_data_set_without_faces_is_refused(boxes):
    with pytest.raises(ValueError, match="must have faces; got 2 photos"):
        stream(to_dataset([photo(30, 30, boxes)] * 2))


def test_unusable_arguments_are_refused(dataset):
    with pytest.raises(ValueError, match="known size"):
        stream(dataset.filter(lambda record: True))
    with pytest.raises(ValueError, match="known size"):
        stream(dataset.repeat())
    with pytest.raises(ValueError, match=">= 0; got -1"):
        stream(dataset, seed=-1)
    with pytest.raises(ValueError, match=">= 0; got 0 and -5"):
        stream(dataset, seed=0, position=-5)
    with pytest.raises(ValueError, match="input_size must be >= 32; got 16"):
        detection.training_dataset(dataset, AugmentationConfig(), 16, BATCH, 0)
