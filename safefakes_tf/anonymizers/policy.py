"""Which faces are kept, generated or blacked out, and why."""

import tensorflow as tf

from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces
from safefakes_tf.ops import regions as region_ops


def decide(
    faces: Faces, height: tf.Tensor, width: tf.Tensor, min_width: int
) -> tf.Tensor:
    """Decide what happens to each face of a photo.

    - `kept`: faces narrower than `min_width` pixels, and boxes without a pixel in the
      photo, where there is nothing to hide.
    - `blacked_out`: all faces of a photo with a box that is not finite. Nobody knows
      where that face is, so the whole photo goes (`region_ops.pixel_regions`).
    - `generated`: the others.

    Args:
        faces: the faces of one photo.
        height, width: size of the photo in pixels, int32 scalars.
        min_width: in pixels; 0 keeps no face that shows.

    Returns:
        int64 [N], `KEPT`, `GENERATED` or `BLACKED_OUT`.

    Source: the study, section III; conventional.md, policy per face.
    """
    boxes = faces.boxes
    face_width = (boxes[:, 3] - boxes[:, 1]) * tf.cast(width, tf.float32)
    narrow = face_width < float(min_width) - region_ops.EDGE_TOLERANCE
    regions = region_ops.pixel_regions(boxes, height, width)
    unseen = tf.reduce_any(regions[:, 2:] <= regions[:, :2], axis=-1)
    action = tf.where(narrow | unseen, KEPT, GENERATED)
    return tf.cast(tf.where(any_lost(faces), BLACKED_OUT, action), tf.int64)


def any_lost(faces: Faces) -> tf.Tensor:
    """Return a bool scalar: whether a box of a photo is not finite."""
    return tf.reduce_any(~tf.math.is_finite(faces.boxes))
