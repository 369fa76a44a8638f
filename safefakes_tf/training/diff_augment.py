"""Differentiable augmentation of all that a discriminator sees.

A discriminator learns a small data set by heart. Photos and generated images that are
augmented alike keep it from that, and the generator learns through the augmentation.

Source: "Differentiable Augmentation for Data-Efficient GAN Training" (Zhao et al.,
NeurIPS 2020), section 3.2 and appendix A.
"""

from collections.abc import Collection

import tensorflow as tf

from safefakes_tf.training import threefry

FARTHEST = 1 / 8  # of a side, by which a translation moves
HOLE = 1 / 2  # of a side, the side of the square that a cutout empties
STREAM = 16  # of random numbers; below are the trainers' own


class Augmentation:
    """How the images of a batch are augmented: a draw for each face.

    All images of a face share its draw, so that they still fit each other.

    Args:
        kinds: of "colour", "translation" and "cutout"; none leaves all as it is.
        seeds: int64 [N, 2], of the faces.
        side: of the images, px.
        draw: number of the draw, >= 0; others augment in other ways.
    """

    def __init__(
        self, kinds: Collection[str], seeds: tf.Tensor, side: int, draw: int = 0
    ):
        self._side = side
        self._colour = self._shift = self._kept = None
        numbers = threefry.uniform(seeds, (7,), STREAM + draw) if kinds else None
        if "colour" in kinds:
            self._colour = numbers[:, :3]
        if "translation" in kinds:
            farthest = round(side * FARTHEST)
            steps = tf.floor(numbers[:, 3:5] * (2 * farthest + 1))
            self._shift = tf.cast(steps, tf.int32) - farthest
        if "cutout" in kinds:
            self._kept = _outside_hole(numbers[:, 5:], side)

    def pictures(
        self, *pictures: tf.Tensor, half_range: float = 1.0
    ) -> list[tf.Tensor]:
        """Return pictures of the same faces, augmented.

        Args:
            pictures: each float [N, side, side, 3].
            half_range: of their values: 1 for -1..1, 0.5 for 0..1.

        Returns:
            The same, beyond that range where colours became stronger; 0 where they were
            cut out, or moved away.
        """
        if self._colour is not None:
            pictures = _recoloured(pictures, self._colour, half_range)
        return [self.maps(picture) for picture in pictures]

    def maps(self, maps: tf.Tensor) -> tf.Tensor:
        """Return maps that go with the pictures: moved and cut out, not recoloured.

        Args:
            maps: float [N, side, side, C], 0 where nothing is.
        """
        if self._shift is not None:
            maps = _moved(maps, self._shift)
        if self._kept is not None:
            maps *= tf.cast(self._kept, maps.dtype)
        return maps

    def points(self, points: tf.Tensor) -> tf.Tensor:
        """Return points moved along with the pictures.

        Args:
            points: float [N, K, 2], x y in sides. One outside of the picture stays.
        """
        if self._shift is None:
            return points
        across = tf.cast(self._shift[:, tf.newaxis, ::-1], points.dtype) / self._side
        inside = tf.reduce_all((points >= 0) & (points < 1), axis=-1, keepdims=True)
        return tf.where(inside, points + across, points)


def _recoloured(pictures, draw, half_range):
    """Change brightness, saturation and contrast: of all pictures of a face alike."""
    pictures = tf.stack(pictures, axis=1)  # [N, pictures, side, side, 3]
    draw = tf.cast(tf.reshape(draw, [-1, 3, 1, 1, 1, 1]), pictures.dtype)
    brightness, saturation, contrast = tf.unstack(draw, axis=1)
    pictures += half_range * (brightness - 0.5)
    grey = tf.reduce_mean(pictures, axis=4, keepdims=True)
    pictures = grey + 2 * saturation * (pictures - grey)
    level = tf.reduce_mean(pictures, axis=[1, 2, 3, 4], keepdims=True)
    return tf.unstack(level + (0.5 + contrast) * (pictures - level), axis=1)


@tf.custom_gradient
def _moved(maps, shift):
    """Move each map of a batch down and to the right; zeros come in."""
    moved = maps
    for axis, steps in enumerate(tf.unstack(shift, axis=1), start=1):
        side = maps.shape[axis]
        source = tf.range(side) - steps[:, tf.newaxis]
        inside = tf.cast((source >= 0) & (source < side), maps.dtype)
        inside = tf.expand_dims(tf.expand_dims(inside, -1), 3 - axis)
        source = tf.clip_by_value(source, 0, side - 1)
        moved = inside * tf.gather(moved, source, axis=axis, batch_dims=1)
    # The way back: the gradient of a gather would add up by index.
    return moved, lambda upstream: (_moved(upstream, -shift), None)


def _outside_hole(draw, side):
    """Return float32 [N, side, side, 1]: zero in a square about a point, else one."""
    size = round(side * HOLE)
    begin = tf.floor(draw * (side + 1 - size % 2)) - size // 2
    pixels = tf.range(side, dtype=tf.float32)
    begin = begin[..., tf.newaxis]
    within = (pixels >= begin) & (pixels < begin + size)  # [N, 2, side]
    hole = within[:, 0, :, tf.newaxis] & within[:, 1, tf.newaxis]
    return tf.cast(~hole, tf.float32)[..., tf.newaxis]
