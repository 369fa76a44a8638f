"""Records of photos to endless batches of context crops, for training generators."""

from collections.abc import Callable

import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import TrainAnonymizer
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training import record_stream
from safefakes_tf.training.batches import FaceBatch, Positioned

JITTER = 0.02  # of a box's sides, by which it grows or shrinks at random


def batches(
    layout: str,
    settings: TrainAnonymizer,
    records: tf.data.Dataset,
    stage: Stage,
    seed: int,
) -> Callable[[int], tf.data.Dataset]:
    """Return a function: position -> endless `Positioned` batches of context crops.

    A photo gives one face each time it comes: any whose context crop lies in the photo
    and has the pixels of the last stage, and all keypoints where settings want that.
    Photos without one are left out. As at
    inference, all faces are masked that are not too narrow, the neighbours' too. Order
    and random choices depend on `seed` and the position in the stream only, as of the
    detector's `training_dataset`.

    Args:
        layout: of the keypoints.
        settings: of the training.
        records: as in `faces.py`, of known number; `image` decoded or a file.
        stage: whose resolution the crops have.
        seed: of the stage, >= 0.

    Raises:
        ValueError: if no face is large enough, or the number of photos is not known.

    Source: deepprivacy.md, sections 5 and 8; sun2018.md, section 5.
    """
    record_stream.known_size(records)
    min_side, fill = settings.network.resolution, settings.network.fill
    min_width = settings.data.anonymization.min_width

    def choose(index, record):
        record = record_stream.decode(record)
        boxes, contexts = _context_crops(record)
        inside = (contexts[:, :2] >= 0) & (contexts[:, 2:] <= tf.stack(_size(record)))
        not_empty = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1)
        large = contexts[:, 2] - contexts[:, 0] >= min_side
        usable = tf.reduce_all(inside, axis=1) & not_empty & large
        if settings.gan.only_with_keypoints:
            points = _read_points(record, layout)
            usable &= tf.reduce_all(points != layouts.ABSENT, axis=[1, 2])
        fitting = tf.where(usable)[:, 0]
        return index, record, boxes, contexts, fitting

    def make_example(index, record, boxes, contexts, fitting):
        seeds = tf.stack([tf.cast(seed, tf.int64), index])
        draw = tf.random.stateless_uniform([3], seeds)
        count = tf.cast(tf.shape(fitting)[0], tf.float32)
        chosen = tf.cast(fitting[tf.cast(draw[0] * count, tf.int32)], tf.int32)
        boxes = _jittered(boxes, chosen, 2 * draw[1] - 1, *_size(record))
        context, masked = contexts[chosen], boxes[:, 3] - boxes[:, 1] >= min_width
        images = _cut(record, boxes, masked, context, chosen, stage.resolution, fill)
        points = _points(record, context, chosen, layout)
        face = FaceBatch(*images, points, seeds)
        face = tf.cond(draw[2] < 0.5, lambda: _mirrored(face, layout), lambda: face)
        return Positioned(face, index)

    def with_face(stream):
        parts = stream.map(choose, tf.data.AUTOTUNE, deterministic=True)
        return parts.filter(lambda *part: tf.size(part[-1]) > 0)

    def from_position(position):
        chosen = with_face(record_stream.shuffled_epochs(records, seed, position))
        examples = chosen.map(make_example, tf.data.AUTOTUNE, deterministic=True)
        size = settings.loop.global_batch_size
        return examples.batch(size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    if next(iter(with_face(records.enumerate()).take(1)), None) is None:
        raise ValueError(
            f"a generator of {min_side} px needs faces whose surroundings, up to 1.7 "
            f"times their size, have as many pixels"
            f"{', and all keypoints' * settings.gan.only_with_keypoints}; got "
            f"{len(records)} photos without"
        )
    return from_position


def _size(record):
    shape = tf.shape(record[faces.IMAGE])
    return shape[0], shape[1]


def _context_crops(record):
    """Return boxes and their context crops, int32 [N, 4] each, in pixels."""
    boxes = region_ops.pixel_regions(record[faces.BBOX], *_size(record))
    if faces.CONTEXT in record:
        return boxes, region_ops.pixel_regions(record[faces.CONTEXT], *_size(record))
    return boxes, context_crops.expand(tf.cast(boxes, tf.float64), *_size(record))


def _jittered(boxes, chosen, share, height, width):
    """Return the boxes with one of them grown by up to `JITTER` on each side."""
    box = boxes[chosen]
    size = tf.cast(box[2:] - box[:2], tf.float32)
    growth = tf.cast(share * JITTER * size, tf.int32)
    box = tf.concat([box[:2] - growth, box[2:] + growth], axis=0)
    box = tf.clip_by_value(box, 0, tf.stack([height, width, height, width]))
    return tf.tensor_scatter_nd_update(boxes, [[chosen]], [box])


def _cut(record, boxes, masked, context, chosen, resolution, fill):
    """Return a context crop as it is and masked, the mask of its face and the box."""
    photo, grey = record[faces.IMAGE], tf.constant(fill, tf.uint8)
    masked_photo = region_ops.edit_regions(
        photo,
        tf.boolean_mask(boxes, masked),
        lambda patch, _: tf.fill(tf.shape(patch), grey),
    )
    box = context_crops.inside(boxes[chosen], context, resolution)
    own = region_ops.regions_mask(box[tf.newaxis], resolution, resolution)
    own = own[..., tf.newaxis]
    top, left, bottom, right = tf.unstack(context)

    def cut(image):
        patch = image[top:bottom, left:right]
        small = tf.image.resize(patch, [resolution, resolution], "area")
        return tf.round(small) / 255 * 2 - 1

    condition = tf.where(own, fill / 255 * 2 - 1, cut(masked_photo))
    return cut(photo), condition, tf.cast(own, tf.float32), box


def _points(record, context, chosen, layout):
    points = _read_points(record, layout)[chosen]
    size = tf.cast(tf.stack(_size(record)), tf.float32)
    context = tf.cast(context, tf.float32)
    inside = (points * size - context[:2]) / (context[2] - context[0])
    return tf.where(points == layouts.ABSENT, points, inside)[:, ::-1]


def _read_points(record, layout):
    some = faces.from_record(record)
    return layouts.read(some.keypoints, some.has_keypoints, layout)


def _mirrored(face, layout):
    """Mirror a crop from left to right."""
    points = tf.gather(face.points, layouts.MIRRORED[layout])
    absent = points == layouts.ABSENT
    points = tf.where(absent, points, points * [-1.0, 1.0] + [1.0, 0.0])
    side = tf.shape(face.mask)[1]
    top, left, bottom, right = tf.unstack(face.box)
    return FaceBatch(
        face.image[:, ::-1],
        face.condition[:, ::-1],
        face.mask[:, ::-1],
        tf.stack([top, side - right, bottom, side - left]),
        points,
        face.seed,
    )
