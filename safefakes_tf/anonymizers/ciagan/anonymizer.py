"""CIAGAN: a face generated from its landmark map, as another person.

Source: "CIAGAN: Conditional Identity Anonymization Generative Adversarial Networks"
(Maximov et al., CVPR 2020); ciagan.md, sections 6 and 9.
"""

from typing import NamedTuple

import tensorflow as tf

from safefakes_tf.anonymizers import base, inpainter
from safefakes_tf.anonymizers.ciagan import alignment
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, Faces
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import regions as region_ops

FACE, LANDMARKS, MASK = "face", "landmarks", "mask"


class Places(NamedTuple):
    """Where patches belong.

    Attributes:
        outlines: int32 [M, 19, 2], of what is hidden, x y in pixels of the photo.
        crops: int32 [M, 4], top left bottom right in pixels of the photo.
    """

    outlines: tf.Tensor
    crops: tf.Tensor


class Ciagan(inpainter.KerasInpainter):
    """Masks and generates what the outline of a face holds, up to the brows.

    Of a profile that is what lies among all its keypoints. The new identity
    is drawn from the seed of the face alone. A face without keypoints, or with some
    that lie beside it, is blacked out.
    """

    name = "ciagan"
    keypoints = "ibug68"

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Load the generator; see `KerasInpainter`."""
        super().__init__(config, seed)
        self._frame_side = alignment.frame_side(self.resolution)
        self._margin = (self._frame_side - self.resolution) // 2

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return int64 [N], the action per face."""
        action = super().decide(image, faces)
        known = layouts.read(
            faces.keypoints, faces.has_keypoints, self.keypoints, self.source_layout
        )
        usable = alignment.usable(known, faces.boxes, tf.shape(image)[:2])
        black = (action == GENERATED) & ~usable
        return tf.where(black, tf.cast(BLACKED_OUT, tf.int64), action)

    def hidden(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W]: outlines, and the boxes of blacked-out faces."""
        white = tf.fill(tf.shape(image), tf.constant(255, tf.uint8))
        action = self.decide(image, faces)
        return self._mask(white, faces, action)[..., 0] == 0

    def cut(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> inpainter.Job:
        """Mask all faces that are not kept, then cut aligned crops out."""
        action = self.decide(image, faces)
        if self.config.hide_neighbours:
            image = self._mask(image, faces, action)
        chosen = base.select(faces, action == GENERATED)
        known, crops = self._points(image, chosen)
        points = alignment.to_pixels(known, tf.shape(image)[:2])
        profile = alignment.is_profile(points)
        outlines = alignment.mask_polygons(points, profile)

        def cut_one(face):
            shown = image
            if not self.config.hide_neighbours:
                shown = alignment.mask_outlines(image, outlines[face : face + 1])
            frames = alignment.frames(
                shown,
                points[face],
                profile[face],
                crops[face],
                self._frame_side,
                self.about.config.jpeg_landmark_maps,
            )
            begin, end = self._margin, self._margin + self.resolution
            return tuple(frame[begin:end, begin:end] for frame in frames)

        square = [self.resolution] * 2
        colours = tf.TensorSpec([*square, 3], tf.uint8)
        face, landmarks, mask = tf.map_fn(
            cut_one,
            tf.range(tf.shape(points)[0]),
            fn_output_signature=(
                colours,
                colours,
                tf.TensorSpec([*square, 1], tf.uint8),
            ),
        )
        inputs = {FACE: face, LANDMARKS: landmarks, MASK: mask}
        return inpainter.Job(action, inputs, Places(outlines, crops))

    def generator_inputs(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the landmark map, the masked face, and an identity drawn for it."""
        face = alignment.to_shares(inputs[FACE])
        mask = alignment.to_mask(inputs[MASK])
        num_identities = self.about.config.num_identities
        identities = tf.map_fn(
            lambda seed: tf.random.stateless_uniform(
                [], tf.stack([seed, 0]), 0, num_identities, tf.int64
            ),
            seeds,
        )
        return {
            ciagan.LANDMARKS: alignment.to_shares(inputs[LANDMARKS]),
            ciagan.FACE: face * (1 - mask),
            ciagan.IDENTITY: tf.one_hot(identities, num_identities),
        }

    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Take what lies under the mask, and fill holes; 0..1 becomes 0..255, clipped.

        Around the mask lie pixels that were masked in part, or show surroundings, and
        no pixel of an outline may be made of either.
        """
        filled = alignment.fill_holes(outputs, alignment.to_mask(inputs[MASK]))
        return tf.cast(tf.clip_by_value(filled, 0.0, 1.0) * 255, tf.uint8)

    def paste(self, image: tf.Tensor, places: Places, patches: tf.Tensor) -> tf.Tensor:
        """Write patches where outlines are.

        Beyond a patch its margin is mirrored, and the border of that goes on. Where
        outlines overlap, the face that comes first in the list is seen.
        """
        outlines, crops, patches = (
            tf.reverse(values, axis=[0]) for values in (*places, patches)
        )
        regions = alignment.bounds(outlines, tf.shape(image)[:2])

        def paste_one(patch, index):
            inside = alignment.inside_of(outlines[index], regions[index])
            frame = self._framed(patches[index])
            new = _part(frame, crops[index], regions[index])
            return tf.where(inside[..., tf.newaxis], new, patch)

        return region_ops.edit_regions(image, regions, paste_one)

    def _points(self, image, faces):
        """Return the keypoints of faces, relative, and the crops they give."""
        known = layouts.read(
            faces.keypoints, faces.has_keypoints, self.keypoints, self.source_layout
        )
        points = alignment.to_pixels(known, tf.shape(image)[:2])
        return known, alignment.crops(points)

    def _mask(self, image, faces, action):
        chosen = base.select(faces, action == GENERATED)
        points = alignment.to_pixels(
            self._points(image, chosen)[0], tf.shape(image)[:2]
        )
        covers = alignment.mask_polygons(points, alignment.is_profile(points))
        image = alignment.mask_outlines(image, covers)
        return base.black_out(
            image, tf.boolean_mask(faces.boxes, action == BLACKED_OUT)
        )

    def _framed(self, patch):
        margin = [self._margin, self._frame_side - self.resolution - self._margin]
        return tf.pad(patch, [margin, margin, [0, 0]], "SYMMETRIC")


def _part(frame, crop, region):
    """Return what a frame, its border repeated beyond it, shows of a region, uint8."""
    size = crop[2:] - crop[:2]
    whole = region_ops.resize(frame, size[0], size[1])
    for axis in (0, 1):
        places = tf.range(region[axis], region[axis + 2]) - crop[axis]
        places = tf.clip_by_value(places, 0, size[axis] - 1)
        whole = tf.gather(whole, places, axis=axis)
    return whole
