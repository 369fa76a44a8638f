"""How DeepPrivacy grows: its stages, and images between two resolutions.

Source: deepprivacy.md, section 3.
"""

import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy.network import RESOLUTIONS
from safefakes_tf.anonymizers.registry import Stage


def stages(resolution: int, total_images: int, phase_images: int) -> list[Stage]:
    """Return the stages that lead from 8 pixels to a resolution.

    Each resolution but the first is faded in over a phase, and each but the last then
    stays for one more phase.

    Args:
        resolution: of the finished networks, px.
        total_images: of all stages together.
        phase_images: length of a phase; 0 trains at the last resolution from the start.

    Raises:
        ValueError: if the last resolution would not be reached.
    """
    if not phase_images:
        return [Stage(resolution, total_images)]
    first, *others = [side for side in RESOLUTIONS if side <= resolution]
    grown = [Stage(first, phase_images)]
    grown += [Stage(side, 2 * phase_images, phase_images) for side in others]
    before = sum(stage.examples for stage in grown[:-1])
    least, left = before + grown[-1].fade_examples, total_images - before
    if total_images < least or left < 1:
        raise ValueError(
            f"gan.total_images must be at least {least:,} to reach {resolution} px in "
            f"phases of {phase_images:,}; got {total_images:,}"
        )
    return [*grown[:-1], grown[-1]._replace(examples=left)]


def transition(step: tf.Tensor, batch_size: int, fade_images: int) -> tf.Tensor:
    """Return how far a resolution is faded in, 0..1, float32 scalar; set every 4 steps.

    Args:
        step: of the stage, integer scalar.
        batch_size: over all replicas.
        fade_images: over which it is faded in; 0 gives 1.
    """
    shown = tf.cast(step // 4 * 4 * batch_size, tf.float32)
    return tf.minimum(1.0, shown / fade_images) if fade_images else tf.constant(1.0)


def blend(images: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return images between half and full resolution.

    Args:
        images: float32 [N, H, W, 3], -1..1, of whole grey levels.
        share: of the full resolution, 0..1.

    Returns:
        float32 [N, H, W, 3], -1..1; the half resolution has whole grey levels.
    """
    levels = (images + 1) * 127.5
    half = tf.nn.avg_pool2d(levels, 2, 2, "VALID")
    # Averages of whole numbers that rounding has put a little below one.
    half = tf.floor(half + 1e-3)
    half = tf.repeat(tf.repeat(half, 2, axis=1), 2, axis=2)
    share = tf.cast(share, images.dtype)
    return (half + share * (levels - half)) / 127.5 - 1


def blend_boxes(boxes: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return boxes between those of half and of full resolution.

    Args:
        boxes: int32 [N, 4] in pixels.
        share: of the full resolution, 0..1.

    Returns:
        int32 [N, 4].
    """
    half = tf.cast(boxes // 2 * 2, tf.float32)
    return tf.cast(half + share * (tf.cast(boxes, tf.float32) - half), tf.int32)


def box_masks(boxes: tf.Tensor, side: int) -> tf.Tensor:
    """Return where the boxes of a batch lie.

    Args:
        boxes: int32 [N, 4]: top, left, bottom, right in pixels, the far edges excluded.
        side: of the images, px.

    Returns:
        bool [N, side, side, 1].
    """
    top, left, bottom, right = tf.split(boxes, 4, axis=1)  # [N, 1] each
    pixels = tf.range(side)
    rows, columns = (
        (pixels >= near) & (pixels < far)
        for near, far in ((top, bottom), (left, right))
    )
    return rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
