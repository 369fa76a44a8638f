"""Anonymizers that paint a new face: hide all faces, cut, inpaint, paste."""

import abc
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from safefakes_tf import images, squares
from safefakes_tf.anonymizers import base
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces
from safefakes_tf.keypoints import layouts
from safefakes_tf.models import generator_files, layers

SQUARE, BOX = "square", "box"  # what a paste covers
CHUNK = 4  # faces per call of a generator: one shape, so that nothing is traced twice


class _Job(NamedTuple):
    """What is known of a photo between cutting and pasting.

    Attributes:
        action: int64 [N], per face; of the M to be generated:
        boxes, around: int32 [M, 4], the faces and the squares around them, in pixels.
        patches: uint8 [M, R, R, 3], hidden.
        points: float32 [M, K, 2], x y in sides of the patch.
    """

    action: tf.Tensor
    boxes: tf.Tensor
    around: tf.Tensor
    patches: tf.Tensor
    points: tf.Tensor


class Inpainter(base.Anonymizer):
    """Shows a generator the surroundings of a face, and pastes what it paints there.

    The boxes of all faces that are not kept are hidden before anything is cut out, so
    the generator never sees a pixel of them: neither of its face nor of a neighbour's.

    Attributes:
        paste: what a paste covers as the method was published, `SQUARE` or `BOX`.
    """

    leak_free = True
    paste: str

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Load the generator.

        Raises:
            ValueError: if `config.weights` names no file of a generator of this method.
        """
        super().__init__(config, seed)
        path = generator_files.find(config.weights, self.name)
        self._generator, about = generator_files.read(path)
        if about.method != self.name:
            raise ValueError(
                f"{path} is a generator of {about.method}; {self.name} needs its own"
            )
        layers.fold(self._generator)
        self.variables = [weight.value for weight in self._generator.weights]
        self._side, self._fill = about.config.resolution, about.config.fill
        self._paste_square = (config.paste or self.paste) == SQUARE
        # Traced once for photos of all sizes.
        self._cut, self._inpaint, self._paste = (
            tf.function(step, autograph=False, reduce_retracing=True)
            for step in (self._cut_photo, self._inpaint_all, self._paste_photo)
        )

    @abc.abstractmethod
    def condition(self, patches: tf.Tensor, points: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the generator's inputs.

        Args:
            patches: uint8 [N, R, R, 3], the surroundings, all faces hidden.
            points: float32 [N, K, 2] in the layout `keypoints`, x y in sides of the
                patch; one not known lies outside it.
        """

    @abc.abstractmethod
    def to_pixels(self, outputs: tf.Tensor) -> tf.Tensor:
        """Turn the generator's output into colours, uint8 [N, R, R, 3]."""

    def mask(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W]: the boxes, and where squares are pasted, the squares."""
        hidden = self.hidden(image, faces)
        if not self._paste_square:
            return hidden
        chosen = base.select(faces, self.decide(image, faces) == GENERATED)
        visible = _clip(self._regions(image, chosen)[1], image)
        return hidden | images.regions_mask(visible, *base.size(image))

    def apply(
        self, image: tf.Tensor, faces: Faces, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Anonymize a photo; a face whose painting is not finite is blacked out."""
        return self.apply_batch([image], [faces], [seed])[0]

    def apply_batch(
        self,
        photos: Sequence[tf.Tensor],
        faces: Sequence[Faces],
        seeds: Sequence[int],
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Anonymize photos together: a chunk holds faces of several of them."""
        # 1. Hide every face, of all those that will be changed, then cut.
        jobs = [self._cut(*job) for job in zip(photos, faces, strict=True)]
        # 2. Inpaint, whichever photo a patch is from.
        painted, finite = self._inpaint(
            tf.concat([job.patches for job in jobs], axis=0),
            tf.concat([job.points for job in jobs], axis=0),
        )
        counts = [tf.shape(job.patches)[0] for job in jobs]
        painted, finite = tf.split(painted, counts), tf.split(finite, counts)
        # 3. Paste; black out what failed.
        parts = zip(photos, faces, jobs, painted, finite, strict=True)
        return [self._paste(*part) for part in parts]

    def _regions(self, image, faces):
        """Return int32 [N, 4] each, top left bottom right: boxes, squares around."""
        height, width = base.size(image)
        boxes = images.pixel_regions(faces.boxes, height, width)
        around = squares.expand(tf.cast(boxes, tf.float64), height, width)
        return boxes, around

    def _cut_photo(self, image, faces):
        """Decide, hide, and cut out what is to be painted: a `_Job`."""
        action = self.decide(image, faces)
        height, width = base.size(image)
        hidden = images.pixel_regions(
            tf.boolean_mask(faces.boxes, action != KEPT), height, width
        )
        fill = tf.constant(self._fill, tf.uint8)
        image = images.edit_regions(
            image, hidden, lambda patch, _: tf.fill(tf.shape(patch), fill)
        )
        chosen = base.select(faces, action == GENERATED)
        boxes, around = self._regions(image, chosen)

        patches = cut(image, boxes, around, self._side, self._fill)
        points = layouts.read(chosen.keypoints, chosen.has_keypoints, self.keypoints)
        pixels = points * tf.cast(tf.stack([height, width]), tf.float32)
        near = tf.cast(around[:, tf.newaxis, :2], tf.float32)
        side = tf.cast(around[:, 2:3] - around[:, :1], tf.float32)[:, tf.newaxis]
        points = tf.where(points == layouts.ABSENT, points, (pixels - near) / side)
        return _Job(action, boxes, around, patches, points[..., ::-1])

    def _inpaint_all(self, patches, points):
        """Return the painted patches, uint8, and whether each is finite, bool [N]."""
        count = tf.shape(patches)[0]
        num_chunks = (count + CHUNK - 1) // CHUNK

        def chunked(values):
            gap = num_chunks * CHUNK - count
            values = tf.pad(values, [[0, gap], *[[0, 0]] * (values.shape.rank - 1)])
            return tf.reshape(values, [num_chunks, CHUNK, *values.shape[1:]])

        def paint(chunk):
            outputs = self._generator(self.condition(*chunk), training=False)
            finite = tf.reduce_all(tf.math.is_finite(outputs), axis=[1, 2, 3])
            return self.to_pixels(outputs), finite

        painted, finite = tf.map_fn(
            paint,
            (chunked(patches), chunked(points)),
            fn_output_signature=(
                tf.TensorSpec([CHUNK, *patches.shape[1:]], tf.uint8),
                tf.TensorSpec([CHUNK], tf.bool),
            ),
            parallel_iterations=1,
        )
        painted = tf.reshape(painted, [num_chunks * CHUNK, *patches.shape[1:]])
        return painted[:count], tf.reshape(finite, [-1])[:count]

    def _paste_photo(self, image, faces, job, patches, finite):
        """Return the photo with the patches in it, and the final action per face."""
        action = job.action
        failed = tf.cast(tf.where(action == GENERATED), tf.int32)
        failed = tf.boolean_mask(failed, ~finite)
        action = tf.tensor_scatter_nd_update(
            action,
            failed,
            tf.fill(tf.shape(failed)[:1], tf.cast(BLACKED_OUT, tf.int64)),
        )
        image = paste(image, job.boxes, job.around, patches, self._paste_square)
        black = tf.boolean_mask(faces.boxes, action == BLACKED_OUT)
        return base.black_out(image, black), action


def cut(
    image: tf.Tensor, boxes: tf.Tensor, around: tf.Tensor, side: int, fill: int
) -> tf.Tensor:
    """Cut squares out of a photo, resize them, and fill the box of each.

    Args:
        image: uint8 [H, W, 3].
        boxes, around: int32 [N, 4], top left bottom right in pixels: faces, and the
            squares around them, which may reach outside the photo.
        side: of the results, px.
        fill: grey level for the boxes.

    Returns:
        uint8 [N, side, side, 3].

    Source: deepprivacy.md, section 5.
    """

    def cut_one(regions):
        box, square = tf.unstack(regions)
        patch = images.cut(image, square, side)
        box = squares.inside(box, square, side)[tf.newaxis]
        box = images.regions_mask(box, side, side)[..., tf.newaxis]
        return tf.where(box, tf.constant(fill, tf.uint8), patch)

    return tf.map_fn(
        cut_one,
        tf.stack([boxes, around], axis=1),
        fn_output_signature=tf.TensorSpec([side, side, 3], tf.uint8),
    )


def paste(
    image: tf.Tensor,
    boxes: tf.Tensor,
    around: tf.Tensor,
    patches: tf.Tensor,
    whole: bool,
) -> tf.Tensor:
    """Write patches into a photo, one after another, without blending.

    Args:
        image: uint8 [H, W, 3].
        boxes, around: as of `cut`; the boxes lie in the photo.
        patches: uint8 [N, R, R, 3], of the squares.
        whole: whether to write the whole square, else only the box. No patch is written
            over the box of an earlier face.

    Returns:
        uint8 [H, W, 3].

    Source: deepprivacy.md, section 7.
    """
    covered = _clip(around, image) if whole else boxes

    def paste_one(patch, index):
        square, place = around[index], covered[index]
        side = square[2] - square[0]
        new = images.resize(patches[index], side, side)
        top, left, bottom, right = tf.unstack(place - tf.tile(square[:2], [2]))
        earlier = boxes[:index] - tf.tile(place[:2], [2])
        taken = images.regions_mask(earlier, bottom - top, right - left)
        return tf.where(taken[..., tf.newaxis], patch, new[top:bottom, left:right])

    return images.edit_regions(image, covered, paste_one)


def _clip(regions, image):
    """Return int32 [N, 4], the parts of regions that lie in the photo."""
    limit = tf.tile(tf.stack(base.size(image)), [2])
    return tf.clip_by_value(regions, 0, limit)
