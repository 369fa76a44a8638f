"""Inpainters that mask a face's box and see the context crop around it.

Source: deepprivacy.md, sections 5 to 7.
"""

import abc
from typing import NamedTuple

import tensorflow as tf

from safefakes_tf.anonymizers import base, inpainter
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import GENERATED, KEPT, Faces
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops

SQUARE, BOX = "square", "box"  # what a paste covers: the context crop, or the box
PATCHES, POINTS = "patches", "points"  # inputs: uint8 [M, R, R, 3], float32 [M, K, 2]


class Places(NamedTuple):
    """int32 [M, 4] each, top left bottom right in pixels: boxes, context crops."""

    boxes: tf.Tensor
    crops: tf.Tensor


class ContextInpainter(inpainter.KerasInpainter):
    """Masks boxes, and shows the generator the context crops around them.

    Attributes:
        square_or_box: what a paste covers as the method was published, `SQUARE` or
            `BOX`.
    """

    square_or_box: str

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Load the generator; see `KerasInpainter`."""
        super().__init__(config, seed)
        self._fill = self.about.config.fill
        self._paste_square = (config.paste or self.square_or_box) == SQUARE

    @abc.abstractmethod
    def condition(self, patches: tf.Tensor, points: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the generator's inputs.

        Args:
            patches: uint8 [N, R, R, 3], the context, all faces masked.
            points: float32 [N, K, 2] in the layout `keypoints`, x y in sides of the
                patch; one not known lies outside it.
        """

    def mask(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W]: the boxes, and context crops where those are pasted."""
        hidden = self.hidden(image, faces)
        if not self._paste_square:
            return hidden
        chosen = base.select(faces, self.decide(image, faces) == GENERATED)
        visible = _clip(self._places(image, chosen).crops, image)
        return hidden | region_ops.regions_mask(visible, *base.size(image))

    def generator_inputs(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return `condition` of a chunk; nothing is drawn at random."""
        return self.condition(inputs[PATCHES], inputs[POINTS])

    def cut(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> inpainter.Job:
        """Mask the boxes of all faces that are not kept, then cut context crops out."""
        action = self.decide(image, faces)
        height, width = base.size(image)
        if self.config.hide_neighbours:
            masked = region_ops.pixel_regions(
                tf.boolean_mask(faces.boxes, action != KEPT), height, width
            )
            fill = tf.constant(self._fill, tf.uint8)
            image = region_ops.edit_regions(
                image, masked, lambda patch, _: tf.fill(tf.shape(patch), fill)
            )
        chosen = base.select(faces, action == GENERATED)
        places = self._places(image, chosen)
        patches = cut(image, *places, self.resolution, self._fill)
        points = layouts.read(
            chosen.keypoints, chosen.has_keypoints, self.keypoints, self.source_layout
        )
        pixels = points * tf.cast(tf.stack([height, width]), tf.float32)
        crops = tf.cast(places.crops, tf.float32)[:, tf.newaxis]
        near, side = crops[..., :2], crops[..., 2:3] - crops[..., :1]
        points = tf.where(points == layouts.ABSENT, points, (pixels - near) / side)
        inputs = {PATCHES: patches, POINTS: points[..., ::-1]}
        return inpainter.Job(action, inputs, places)

    def paste(self, image: tf.Tensor, places: Places, patches: tf.Tensor) -> tf.Tensor:
        """Write patches over boxes or whole context crops; see `paste` below."""
        return paste(image, *places, patches, self._paste_square)

    def _places(self, image, faces):
        height, width = base.size(image)
        boxes = region_ops.pixel_regions(faces.boxes, height, width)
        crops = context_crops.expand(tf.cast(boxes, tf.float64), height, width)
        return Places(boxes, crops)


def cut(
    image: tf.Tensor, boxes: tf.Tensor, crops: tf.Tensor, side: int, fill: int
) -> tf.Tensor:
    """Cut context crops out of a photo, resize them, and mask the box of each.

    Args:
        image: uint8 [H, W, 3].
        boxes, crops: int32 [N, 4], top left bottom right in pixels: faces, and the
            squares around them, which may reach outside the photo.
        side: of the results, px.
        fill: grey level of the masked boxes.

    Returns:
        uint8 [N, side, side, 3].

    Source: deepprivacy.md, section 5.
    """

    def cut_one(regions):
        box, crop = tf.unstack(regions)
        patch = region_ops.cut(image, crop, side)
        box = context_crops.inside(box, crop, side)[tf.newaxis]
        box = region_ops.regions_mask(box, side, side)[..., tf.newaxis]
        return tf.where(box, tf.constant(fill, tf.uint8), patch)

    return tf.map_fn(
        cut_one,
        tf.stack([boxes, crops], axis=1),
        fn_output_signature=tf.TensorSpec([side, side, 3], tf.uint8),
    )


def paste(
    image: tf.Tensor,
    boxes: tf.Tensor,
    crops: tf.Tensor,
    patches: tf.Tensor,
    whole: bool,
) -> tf.Tensor:
    """Write patches into a photo, one after another, without blending.

    Args:
        image: uint8 [H, W, 3].
        boxes, crops: as of `cut`; the boxes lie in the photo.
        patches: uint8 [N, R, R, 3], of the crops.
        whole: whether to write the whole crop, else only the box. No patch is written
            over the box of an earlier face.

    Returns:
        uint8 [H, W, 3].

    Source: deepprivacy.md, section 7.
    """
    covered = _clip(crops, image) if whole else boxes

    def paste_one(patch, index):
        crop, place = crops[index], covered[index]
        side = crop[2] - crop[0]
        new = region_ops.resize(patches[index], side, side)
        top, left, bottom, right = tf.unstack(place - tf.tile(crop[:2], [2]))
        earlier = boxes[:index] - tf.tile(place[:2], [2])
        taken = region_ops.regions_mask(earlier, bottom - top, right - left)
        return tf.where(taken[..., tf.newaxis], patch, new[top:bottom, left:right])

    return region_ops.edit_regions(image, covered, paste_one)


def _clip(regions, image):
    """Return int32 [N, 4], the parts of regions that lie in the photo."""
    limit = tf.tile(tf.stack(base.size(image)), [2])
    return tf.clip_by_value(regions, 0, limit)
