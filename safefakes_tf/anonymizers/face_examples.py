"""A context crop to what generators learn from: a face, as it is and masked.

The crop was cut out of a photo that was just decoded, or stored; see `stored_crops`.
"""

import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers.stored_crops import PHOTO_SIZE, REGION
from safefakes_tf.config import TrainAnonymizer
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training.batches import FaceBatch

JITTER = 0.02  # of a box's sides, by which it grows or shrinks at random


def draw(seed: int, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the seeds of a face, int64 [2], and three random numbers in 0..1.

    Args:
        seed: of the stage.
        index: int64 scalar, in the stream.
    """
    seeds = tf.stack([tf.cast(seed, tf.int64), index])
    return seeds, tf.random.stateless_uniform([3], seeds)


def pick(share: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Return one of `count` numbers from 0 up, int64, by a random share in 0..1."""
    return tf.cast(share * tf.cast(count, tf.float32), tf.int64)


def to_face(
    layout: str,
    settings: TrainAnonymizer,
    resolution: int,
    crop: faces.Record,
    chosen: tf.Tensor,
    seeds: tf.Tensor,
    shares: tf.Tensor,
) -> FaceBatch:
    """Return a face of a batch, as `FaceBatch` without the first axes.

    Args:
        layout: of the keypoints.
        settings: of the training.
        resolution: of the result, px.
        crop: record as of `stored_crops`, `image` uint8 [S, S, 3].
        chosen: int32 scalar, row of the crop's own face.
        seeds, shares: as of `draw`; the first share chose the face.
    """
    size, region = crop[PHOTO_SIZE], crop[REGION]
    boxes = region_ops.pixel_regions(crop[faces.BBOX], *tf.unstack(size))
    boxes = _jittered(boxes, chosen, 2 * shares[1] - 1, region)
    masked = boxes[:, 3] - boxes[:, 1] >= settings.data.anonymization.min_width
    fill = settings.network.fill
    images = _shrunk(crop, boxes, masked, boxes[chosen], resolution, fill)
    face = FaceBatch(*images, _points(crop, chosen, layout), seeds)
    return tf.cond(shares[2] < 0.5, lambda: _mirrored(face, layout), lambda: face)


def _jittered(boxes, chosen, share, region):
    """Return the boxes with one of them grown by up to `JITTER` on each side.

    It stays in the region that is seen of it.
    """
    box = boxes[chosen]
    size = tf.cast(box[2:] - box[:2], tf.float32)
    growth = tf.cast(share * JITTER * size, tf.int32)
    box = tf.concat([box[:2] - growth, box[2:] + growth], axis=0)
    box = tf.clip_by_value(box, tf.tile(region[:2], [2]), tf.tile(region[2:], [2]))
    return tf.tensor_scatter_nd_update(boxes, [[chosen]], [box])


def _shrunk(crop, boxes, masked, own_box, resolution, fill):
    """Return a context crop as it is and masked, the mask of its face and the box."""
    pixels, region = crop[faces.IMAGE], crop[REGION]
    side, grey = tf.shape(pixels)[0], tf.constant(fill, tf.uint8)
    hidden = _on_crop(tf.boolean_mask(boxes, masked), region, side)
    hidden = region_ops.regions_mask(hidden, side, side)[..., tf.newaxis]
    both = tf.stack([pixels, tf.where(hidden, grey, pixels)])
    both = tf.cond(
        side == resolution,  # as of FDF: nothing to average
        lambda: tf.cast(both, tf.float32),
        lambda: tf.image.resize(both, [resolution, resolution], "area"),
    )
    both = tf.ensure_shape(both, [2, resolution, resolution, 3])
    image, condition = tf.unstack(tf.round(both) / 255 * 2 - 1)
    box = context_crops.inside(own_box, region, resolution)
    own = region_ops.regions_mask(box[tf.newaxis], resolution, resolution)
    own = own[..., tf.newaxis]
    condition = tf.where(own, fill / 255 * 2 - 1, condition)
    return image, condition, tf.cast(own, tf.float32), box


def _on_crop(boxes, region, side):
    """Return the pixels of a crop that boxes touch, int32 [N, 4], none if empty.

    Args:
        boxes, region: int32 [N, 4] and [4], in pixels of the photo.
        side: of the crop, px; less than the region's if the crop was shrunk.
    """
    near, far = tf.split(boxes - tf.tile(region[:2], [2]), 2, axis=1)
    native = region[2] - region[0]
    near, far = near * side // native, -(-far * side // native)
    return tf.clip_by_value(tf.concat([near, far], axis=1), 0, side)


def _points(crop, chosen, layout):
    points = read_points(crop, layout)[chosen]
    size = tf.cast(crop[PHOTO_SIZE], tf.float32)
    region = tf.cast(crop[REGION], tf.float32)
    inside = (points * size - region[:2]) / (region[2] - region[0])
    return tf.where(points == layouts.ABSENT, points, inside)[:, ::-1]


def read_points(record: faces.Record, layout: str) -> tf.Tensor:
    """Return the keypoints of a record's faces; see `layouts.read`."""
    some = faces.from_record(record)
    return layouts.read(some.keypoints, some.has_keypoints, layout)


def _mirrored(face, layout):
    """Mirror a crop from left to right."""
    points = tf.gather(face.points, layouts.MIRRORED[layout])
    absent = points == layouts.ABSENT
    points = tf.where(absent, points, points * [-1.0, 1.0] + [1.0, 0.0])
    side = tf.shape(face.mask)[1]
    top, left, bottom, right = tf.unstack(face.box)
    # A slice with a step of -1 would take eight times as long.
    return FaceBatch(
        tf.reverse(face.image, [1]),
        tf.reverse(face.condition, [1]),
        tf.reverse(face.mask, [1]),
        tf.stack([top, side - right, bottom, side - left]),
        points,
        face.seed,
    )
