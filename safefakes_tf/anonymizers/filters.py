"""The conventional anonymizers of the study: filters on boxes or on the whole photo.

Source: conventional.md.
"""

import tensorflow as tf

from safefakes_tf.anonymizers import base
from safefakes_tf.anonymizers.registry import Method
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import GENERATED, KEPT, Faces
from safefakes_tf.ops import filters as filter_ops
from safefakes_tf.ops import regions as region_ops

# With strength=face, a sigma and a cell are such parts of the longer side of a face:
# then no detail finer than an eighth of it is left.
SIGMAS, CELLS = 5, 4
LEAST = 4.0  # px, of both: less is left of small faces


class Original(base.Filter):
    """Changes nothing and keeps every face: the baseline of every comparison."""

    name = "original"

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return `KEPT` for every face, int64 [N]."""
        return tf.fill(tf.shape(faces.boxes)[:1], tf.constant(KEPT, tf.int64))

    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return the photo."""
        return image


class Blackout(base.Filter):
    """Sets every box to zero ("blocking" in the study)."""

    name = "blackout"
    leak_free = True

    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Black out the boxes."""
        return base.black_out(image, faces.boxes)


class Blur(base.Filter):
    """Blurs every box: with one Gaussian for all, or one that grows with the face."""

    name = "blur"

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Make the kernel.

        Raises:
            ValueError: if `config.blur_kernel` is not an odd number from 1.
        """
        super().__init__(config, seed)
        self._kernel = _checked_kernel("blur_kernel", config.blur_kernel)

    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Blur the boxes one after another, each from its own pixels."""
        if self.config.strength == "face":
            sigmas = _parts(image, faces.boxes, SIGMAS)
            return _filter_boxes(
                image,
                faces.boxes,
                lambda patch, face: filter_ops.soften(patch, sigmas[face]),
            )
        return _filter_boxes(
            image, faces.boxes, lambda patch, _: filter_ops.blur(patch, self._kernel)
        )


class FullBlur(base.Filter):
    """Blurs the whole photo weakly, if it has a face; so no face is ever kept."""

    name = "fullblur"

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Make the kernel.

        Raises:
            ValueError: if `config.fullblur_kernel` is not an odd number from 1, or the
                filter shall follow the face.
        """
        super().__init__(config, seed)
        if config.strength == "face":
            raise ValueError(
                "fullblur must not be relied on: it blurs the whole photo weakly, and "
                "large faces stay recognisable; name blur instead, or insist on it "
                "with --set=data.anonymization.strength=study"
            )
        self._kernel = _checked_kernel("fullblur_kernel", config.fullblur_kernel)

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return the policy's action, with `GENERATED` for the faces it would keep."""
        action = super().decide(image, faces)
        return tf.where(action == KEPT, tf.constant(GENERATED, tf.int64), action)

    def mask(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W]: true everywhere if there is a face."""
        return tf.fill(tf.shape(image)[:2], tf.shape(faces.boxes)[0] > 0)

    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Blur the photo once, however many faces there are."""
        return tf.cond(
            tf.shape(faces.boxes)[0] > 0,
            lambda: filter_ops.blur(image, self._kernel),
            lambda: image,
        )


class Pixelate(base.Filter):
    """Shows every box in few cells: a fixed number, or as the face allows."""

    name = "pixelate"

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Check the options.

        Raises:
            ValueError: if `config.pixelate_cells` is below 1.
        """
        super().__init__(config, seed)
        if config.pixelate_cells < 1:
            raise ValueError(
                "anonymization.pixelate_cells must be 1 or more; "
                f"got {config.pixelate_cells}"
            )

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return the policy's action, with `KEPT` where cells are as fine as pixels.

        With strength=face there are no such cells.
        """
        action = super().decide(image, faces)
        if self.config.strength == "face":
            return action
        shape = tf.shape(image)
        regions = region_ops.pixel_regions(faces.boxes, shape[0], shape[1])
        sizes = regions[:, 2:] - regions[:, :2]
        unchanged = tf.reduce_all(sizes <= self.config.pixelate_cells, axis=-1)
        return tf.where(
            (action == GENERATED) & unchanged, tf.constant(KEPT, tf.int64), action
        )

    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Pixelate the boxes one after another."""
        cells = self.config.pixelate_cells
        if self.config.strength == "face":
            sides = _parts(image, faces.boxes, min(cells, CELLS))
            return _filter_boxes(
                image,
                faces.boxes,
                lambda patch, face: filter_ops.pixelate(
                    patch, filter_ops.cells_of_size(patch, sides[face])
                ),
            )
        return _filter_boxes(
            image,
            faces.boxes,
            lambda patch, _: filter_ops.pixelate(patch, (cells, cells)),
        )


def _parts(image, boxes, count):
    """Return float32 [N]: such parts of the longer sides of boxes, in pixels.

    Boxes count as annotated, also where they reach beyond the photo.

    Source: conventional.md, strength.
    """
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    longer = tf.reduce_max((boxes[:, 2:] - boxes[:, :2]) * size, axis=1)
    return tf.maximum(longer / count, LEAST)


def _filter_boxes(image, boxes, edit):
    shape = tf.shape(image)
    regions = region_ops.pixel_regions(boxes, shape[0], shape[1])
    return region_ops.edit_regions(image, regions, edit)


def _checked_kernel(field, size):
    if size < 1 or size % 2 == 0:
        raise ValueError(f"anonymization.{field} must be odd and positive; got {size}")
    return filter_ops.gaussian_kernel(size)


METHODS = {
    kind.name: Method(kind) for kind in (Original, Blackout, Blur, FullBlur, Pixelate)
}
