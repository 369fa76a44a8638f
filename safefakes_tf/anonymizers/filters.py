"""The conventional anonymizers of the study: filters on boxes or on the whole photo.

Source: conventional.md.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from safefakes_tf import faces as faces_lib
from safefakes_tf.anonymizers import base, policy
from safefakes_tf.anonymizers.registry import Method
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces
from safefakes_tf.ops import filters as filter_ops
from safefakes_tf.ops import opencv_blur
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
        _check_odd("blur_kernel", config.blur_kernel)
        self._kernel = filter_ops.gaussian_kernel(config.blur_kernel)

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
    """Blurs the whole photo weakly, if it has a face; so no face is ever kept.

    `apply` consists of TensorFlow ops, as a SavedModel must. The map stage and `begin`
    make the same pixels in OpenCV, in a fraction of the time, if the kernel is no
    larger than `opencv_blur.LARGEST`; else they do as `apply` does.
    """

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
        self._size = config.fullblur_kernel
        _check_odd("fullblur_kernel", self._size)
        self._in_opencv = self._size <= opencv_blur.LARGEST
        weights = opencv_blur.kernel if self._in_opencv else filter_ops.gaussian_kernel
        self._kernel = weights(self._size)

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return int64 [N]: `GENERATED` for every face, if none is lost.

        That is the policy's action, but for faces that it would keep.
        """
        action = tf.where(policy.any_lost(faces), BLACKED_OUT, GENERATED)
        return tf.fill(tf.shape(faces.boxes)[:1], tf.cast(action, tf.int64))

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

    def __call__(self, record: faces_lib.Record) -> faces_lib.Record:
        """Anonymize a record, as a map stage does it."""
        if not self._in_opencv:
            return super().__call__(record)
        image, faces, seed = self.inputs(record)
        if tf.executing_eagerly():
            return base.with_result(record, *self.begin(image, faces, seed))
        action = self.decide(image, faces)
        edited = tf.numpy_function(
            self._edit, [image, action], tf.uint8, stateful=False
        )
        edited.set_shape(image.shape)
        return base.with_result(record, edited, action)

    def prepare(self) -> None:
        """Trace now what the first photo would wait for."""
        if not self._in_opencv:
            super().prepare()

    def begin(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> Any:
        """Return the result of `apply`."""
        if not self._in_opencv:
            return super().begin(image, faces, seed)
        action = self.decide(image, faces)
        edited = self._edit(np.asarray(image), action.numpy())
        # tf.constant would copy twice, which can take longer than the blur.
        return tf.raw_ops.Identity(input=edited), action

    def _edit(self, photo, action):
        """Do to an array what `apply` does to a photo of the faces with these actions.

        A lost face blacks out the whole photo, and all others with it.
        """
        if BLACKED_OUT in action:
            return np.zeros_like(photo)
        return opencv_blur.blur(photo, self._size) if len(action) else photo


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


def _check_odd(field, size):
    if size < 1 or size % 2 == 0:
        raise ValueError(f"anonymization.{field} must be odd and positive; got {size}")


METHODS = {
    kind.name: Method(kind) for kind in (Original, Blackout, Blur, FullBlur, Pixelate)
}
