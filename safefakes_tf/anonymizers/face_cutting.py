"""Which faces generators learn from, and their context crops, cut out once.

Source: deepprivacy.md, section 5.
"""

import functools
from collections.abc import Iterator

import cv2
import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers import face_examples
from safefakes_tf.anonymizers.stored_crops import Crop, Cutter
from safefakes_tf.config import TrainAnonymizer
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training import record_stream

# A crop is stored as it is up to so many sides of the generator's patch, else shrunk to
# that. All stages of growth divide it, so that shrinking once more averages the same.
MAX_SIDES = 2
# Filtered, but not deflated: ArrayRecord compresses it to the size of a usual PNG file,
# and both together are read in less than half the time.
_PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 0),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)


def cutter(settings: TrainAnonymizer) -> Cutter:
    """Return how context crops are cut out for all stages of a training."""
    side = settings.network.resolution
    return Cutter(
        f"context_crops_{side}px",
        {"min_side": side, "max_side": MAX_SIDES * side},
        wanted(side),
        functools.partial(_cut_all, side),
    )


def complete(record: faces.Record, layout: str) -> tf.Tensor:
    """Return bool [N], whether all keypoints of a layout are known of each face."""
    points = face_examples.read_points(record, layout)
    return tf.reduce_all(points != layouts.ABSENT, axis=[1, 2])


def find(record: faces.Record, min_side: int) -> tuple[tf.Tensor, ...]:
    """Return boxes and context crops, int32 [N, 4], and which are usable, bool [N].

    Args:
        record: of a photo, decoded.
        min_side: of usable crops, px.
    """
    size = tf.shape(record[faces.IMAGE])[:2]
    boxes, contexts = _context_crops(record, size)
    inside = (contexts[:, :2] >= 0) & (contexts[:, 2:] <= size)
    not_empty = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1)
    large = contexts[:, 2] - contexts[:, 0] >= min_side
    return boxes, contexts, tf.reduce_all(inside, axis=1) & not_empty & large


def _context_crops(record, size):
    """Return boxes and their context crops, int32 [N, 4] each, in pixels."""
    boxes = region_ops.pixel_regions(record[faces.BBOX], *tf.unstack(size))
    if faces.CONTEXT in record:
        return boxes, region_ops.pixel_regions(record[faces.CONTEXT], *tf.unstack(size))
    squares = context_crops.expand(tf.cast(boxes, tf.float64), *tf.unstack(size))
    return boxes, squares


def wanted(side: int) -> str:
    """Return which faces serve a generator of a resolution, px."""
    return f"faces whose surroundings, up to 1.7 times their size, have {side} px"


def _cut_all(side, records: tf.data.Dataset) -> Iterator[tuple[faces.Record, list]]:
    # Nothing to convert, and tracing takes half the time.
    @tf.autograph.experimental.do_not_convert
    def decode_and_find(record):
        record = record_stream.decode(record)
        boxes, contexts, usable = find(record, side)
        return record, boxes, contexts, tf.where(usable)[:, 0]

    found = records.map(decode_and_find, tf.data.AUTOTUNE, deterministic=True)
    for record, boxes, contexts, usable in found.as_numpy_iterator():
        crops = [
            Crop(
                _encode(record[faces.IMAGE], contexts[face], MAX_SIDES * side),
                contexts[face],
                _shown(boxes, contexts[face], face),
            )
            for face in usable
        ]
        yield record, crops


def _encode(photo, region, max_side):
    top, left, bottom, right = region
    pixels = photo[top:bottom, left:right]
    if bottom - top > max_side:
        pixels = tf.image.resize(pixels, [max_side, max_side], "area")
        pixels = tf.cast(tf.round(pixels), tf.uint8).numpy()
    _, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _PNG)
    return encoded.tobytes()


def _shown(boxes, region, own):
    """Return the numbers of the faces that reach into a region, `own` first."""
    near = np.maximum(boxes[:, :2], region[:2])
    far = np.minimum(boxes[:, 2:], region[2:])
    shown = (far > near).all(axis=1)
    shown[own] = False
    return np.concatenate([[own], np.flatnonzero(shown)])
