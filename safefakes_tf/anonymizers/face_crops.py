"""Records of photos to endless batches of faces for the training of generators."""

import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training import record_stream

IMAGE = "image"  # float32 [B, R, R, 3], -1..1, whole grey levels
CONDITION = "condition"  # the same, with all faces hidden
MASK = "mask"  # float32 [B, R, R, 1], one inside the face's box
BOX = "box"  # int32 [B, 4], that box: top, left, bottom, right in pixels of the patch
POINTS = "points"  # float32 [B, K, 2], x y in sides of the patch; absent outside of it
SEED = "seed"  # int64 [B, 2], for what a trainer draws at random for the face
POSITION = "position"  # int64 [B], index of the consumed source element

JITTER = 0.02  # of a box's sides, by which it grows or shrinks at random
MIN_BOX = 10  # px; smaller faces are kept by the anonymizers, so they stay visible


def training_dataset(
    dataset: tf.data.Dataset,
    layout: str,
    resolution: int,
    min_side: int,
    fill: int,
    global_batch_size: int,
    seed: int,
    position: int = 0,
) -> tf.data.Dataset:
    """Return shuffled, augmented batches of faces in their squares, without end.

    A photo gives one face each time it comes: any whose square lies in the photo and
    is large enough. Photos without one are left out. As at inference, all
    faces are hidden, the neighbours' too. Order and random choices depend on `seed` and
    the position in the stream only, as of `detection.training_dataset`.

    Args:
        dataset: records as in `faces.py`, of known number; `image` decoded or a file.
        layout: of the keypoints.
        resolution: side R of a patch, px.
        min_side: of a square in the photo, px.
        fill: grey level that hides faces, 0..255.
        global_batch_size: B, over all replicas.
        seed: of the run, >= 0.
        position: index of the first source element to consume.

    Raises:
        ValueError: if no face is large enough, or the number of photos is not known.

    Source: deepprivacy.md, sections 5 and 8; sun2018.md, section 5.
    """
    record_stream.known_size(dataset)

    def choose(index, record):
        record = record_stream.decode(record)
        boxes, around = _squares(record)
        inside = (around[:, :2] >= 0) & (around[:, 2:] <= tf.stack(_size(record)))
        not_empty = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1)
        large = around[:, 2] - around[:, 0] >= min_side
        fitting = tf.where(tf.reduce_all(inside, axis=1) & not_empty & large)[:, 0]
        return index, record, boxes, around, fitting

    def make_example(index, record, boxes, around, fitting):
        seeds = tf.stack([tf.cast(seed, tf.int64), index])
        draw = tf.random.stateless_uniform([3], seeds)
        count = tf.cast(tf.shape(fitting)[0], tf.float32)
        chosen = tf.cast(fitting[tf.cast(draw[0] * count, tf.int32)], tf.int32)
        boxes = _jittered(boxes, chosen, 2 * draw[1] - 1, *_size(record))
        example = _patch(record, boxes, around[chosen], chosen, resolution, fill)
        example[POINTS] = _points(record, around[chosen], chosen, layout)
        example = tf.cond(
            draw[2] < 0.5, lambda: _mirrored(example, layout), lambda: example
        )
        return {**example, SEED: seeds, POSITION: index}

    def with_face(records):
        parts = records.map(choose, tf.data.AUTOTUNE, deterministic=True)
        return parts.filter(lambda *part: tf.size(part[-1]) > 0)

    if next(iter(with_face(dataset.enumerate()).take(1)), None) is None:
        raise ValueError(
            f"a generator of {min_side} px needs faces whose surroundings, up to 1.7 "
            f"times their size, have as many pixels; got {len(dataset)} photos without"
        )
    chosen = with_face(record_stream.shuffled_epochs(dataset, seed, position))
    examples = chosen.map(make_example, tf.data.AUTOTUNE, deterministic=True)
    batches = examples.batch(global_batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE)


def _size(record):
    shape = tf.shape(record[faces.IMAGE])
    return shape[0], shape[1]


def _squares(record):
    """Return boxes in pixels, and the squares around them, int32 [N, 4] each."""
    boxes = region_ops.pixel_regions(record[faces.BBOX], *_size(record))
    return boxes, context_crops.expand(tf.cast(boxes, tf.float64), *_size(record))


def _jittered(boxes, chosen, share, height, width):
    """Return the boxes with one of them grown by up to `JITTER` on each side."""
    box = boxes[chosen]
    size = tf.cast(box[2:] - box[:2], tf.float32)
    growth = tf.cast(share * JITTER * size, tf.int32)
    box = tf.concat([box[:2] - growth, box[2:] + growth], axis=0)
    box = tf.clip_by_value(box, 0, tf.stack([height, width, height, width]))
    return tf.tensor_scatter_nd_update(boxes, [[chosen]], [box])


def _patch(record, boxes, square, chosen, resolution, fill):
    """Return the square of a face as it is, hidden, and the mask of the face."""
    photo, grey = record[faces.IMAGE], tf.constant(fill, tf.uint8)
    hidden = tf.boolean_mask(boxes, boxes[:, 3] - boxes[:, 1] >= MIN_BOX)
    hidden = region_ops.edit_regions(
        photo, hidden, lambda patch, _: tf.fill(tf.shape(patch), grey)
    )
    box = context_crops.inside(boxes[chosen], square, resolution)
    own = region_ops.regions_mask(box[tf.newaxis], resolution, resolution)
    own = own[..., tf.newaxis]
    top, left, bottom, right = tf.unstack(square)

    def cut(image):
        patch = image[top:bottom, left:right]
        small = tf.image.resize(patch, [resolution, resolution], "area")
        return tf.round(small) / 255 * 2 - 1

    return {
        IMAGE: cut(photo),
        CONDITION: tf.where(own, fill / 255 * 2 - 1, cut(hidden)),
        MASK: tf.cast(own, tf.float32),
        BOX: box,
    }


def _points(record, square, chosen, layout):
    some = faces.from_record(record)
    points = layouts.read(some.keypoints, some.has_keypoints, layout)[chosen]
    size = tf.cast(tf.stack(_size(record)), tf.float32)
    square = tf.cast(square, tf.float32)
    inside = (points * size - square[:2]) / (square[2] - square[0])
    return tf.where(points == layouts.ABSENT, points, inside)[:, ::-1]


def _mirrored(example, layout):
    """Mirror an example from left to right."""
    mirrored = {key: example[key][:, ::-1] for key in (IMAGE, CONDITION, MASK)}
    points = tf.gather(example[POINTS], layouts.MIRRORED[layout])
    absent = points == layouts.ABSENT
    points = tf.where(absent, points, points * [-1.0, 1.0] + [1.0, 0.0])
    side = tf.shape(example[MASK])[1]
    top, left, bottom, right = tf.unstack(example[BOX])
    box = tf.stack([top, side - right, bottom, side - left])
    return {**mirrored, BOX: box, POINTS: points}
