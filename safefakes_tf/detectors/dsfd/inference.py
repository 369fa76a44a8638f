"""Detection on whole photos: one pass, or several sizes and box voting.

Source: dsfd.md, section 11.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf import boxes as box_ops
from safefakes_tf import frozen
from safefakes_tf.config import InferenceConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.vgg16 import MEAN_RGB

PIXELS_AT_FULL_SIZE = 1500 * 1000  # passes of the multi-scale test stay below
ALL, LARGE, SMALL = "all", "large", "small"


class Pass(NamedTuple):
    """One pass of the multi-scale test.

    Attributes:
        factor: by which the photo is resized.
        mirrored: whether it is flipped left to right.
        keep: which faces count, by their size in the photo: ALL, LARGE (longer side
            above 30 px) or SMALL (shorter side below 100 px).
    """

    factor: float
    mirrored: bool
    keep: str


# === One pass, TensorFlow only ===


def detections_from_outputs(
    outputs: dict[str, tf.Tensor], anchors: tf.Tensor, inference: InferenceConfig
) -> tf.Tensor:
    """Turn the second shot's outputs for one photo into detections.

    Args:
        outputs: "boxes" float32 [P, 4] and "logits" float32 [P, 2].
        anchors: float32 [P, 4].
        inference: thresholds and caps.

    Returns:
        float32 [M, 5]: score, ymin, xmin, ymax, xmax, relative, not clipped, by falling
        score.
    """
    scores = tf.nn.softmax(outputs["logits"])[:, 1]
    above = tf.where(scores > inference.score_threshold)[:, 0]
    count = tf.minimum(tf.shape(above)[0], inference.max_candidates)
    scores, order = tf.math.top_k(tf.gather(scores, above), count)
    chosen = tf.gather(above, order)
    boxes = box_ops.decode(
        tf.gather(outputs["boxes"], chosen), tf.gather(anchors, chosen)
    )
    # NaN and infinite boxes are dropped: an untrained detector predicts them.
    finite = tf.reduce_all(tf.math.is_finite(boxes), axis=1)
    boxes, scores = tf.boolean_mask(boxes, finite), tf.boolean_mask(scores, finite)
    kept = tf.image.non_max_suppression(
        boxes, scores, inference.max_detections, inference.nms_iou
    )
    return tf.gather(tf.concat([scores[:, None], boxes], axis=1), kept)


def detect_photo(
    model: Callable, photo: tf.Tensor, inference: InferenceConfig
) -> tf.Tensor:
    """Detect faces in one pass at `inference.scale`.

    Args:
        model: from `dsfd.build_dsfd` or `dsfd.second_shot`.
        photo: uint8 [H, W, 3], RGB, any size from one pixel on.
        inference: scale, thresholds and caps.

    Returns:
        float32 [M, 5]: score, ymin, xmin, ymax, xmax, relative, by falling score.
    """
    return _look(model, photo[None], inference.scale, inference)(0)


def _look(model, photos, factor, inference):
    """Return a function from the number of a photo to the detections on it."""
    size = tf.cast(tf.shape(photos)[1:3], tf.float32)
    # Photos too small for the network get a margin of the mean colour.
    resized_size = tf.cast(tf.maximum(tf.round(size * factor), 1.0), tf.int32)
    padded_size = tf.maximum(resized_size, anchor_ops.MIN_SIDE)
    pixels = tf.image.resize(photos, resized_size) - MEAN_RGB
    margin = padded_size - resized_size
    pixels = tf.pad(pixels, [[0, 0], [0, margin[0]], [0, margin[1]], [0, 0]]) + MEAN_RGB

    outputs = model(pixels, training=False)[dsfd.SECOND_SHOT]
    anchors = anchor_ops.anchors(
        padded_size[0], padded_size[1], dsfd.SECOND_SHOT, model.anchor_ratio
    )
    stretch = tf.cast(padded_size, tf.float32) / tf.cast(resized_size, tf.float32)

    def detections(number):
        of_photo = {name: values[number] for name, values in outputs.items()}
        found = detections_from_outputs(of_photo, anchors, inference)
        return found * tf.concat([[1.0], stretch, stretch], axis=0)

    return detections


# === Multi-scale test ===


class PhotoDetector:
    """Detects faces in photos, with several sizes and voting if the config says so.

    Args:
        model: from `dsfd.build_dsfd`.
        inference: passes, thresholds and caps.
        final: whether its weights will not change any more: then they are constants of
            the graph, see `frozen.weights`.
    """

    def __init__(
        self, model: keras.Model, inference: InferenceConfig, final: bool = False
    ):
        network = dsfd.second_shot(model)
        self._inference = inference

        # One trace serves every photo and factor, and one or two photos.
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, None, 3], tf.uint8),
                tf.TensorSpec([], tf.float32),
            ],
            autograph=False,  # nothing to convert, and tracing takes half the time
        )
        def single_pass(photos, factor):
            with frozen.weights(network.variables if final else ()):
                detections = _look(network, photos, factor, inference)
            both = tf.shape(photos)[0] > 1
            second = tf.cond(both, lambda: detections(1), lambda: tf.zeros([0, 5]))
            return detections(0), second

        self._single_pass = single_pass

    def __call__(self, photo: np.ndarray) -> np.ndarray:
        """Detect the faces of one photo.

        Args:
            photo: uint8 [H, W, 3], RGB.

        Returns:
            float32 [M, 5]: score, ymin, xmin, ymax, xmax, relative, by falling score.

        Raises:
            ValueError: if the photo is not uint8 [H, W, 3].
        """
        return self.begin(photo)()

    def begin(self, photo: np.ndarray) -> Callable[[], np.ndarray]:
        """Do the network's part of a detection.

        Args:
            photo: uint8 [H, W, 3], RGB.

        Returns:
            A function that does the rest, also in another thread, and returns the
            detections. It keeps what the passes found, not the photo.

        Raises:
            ValueError: if the photo is not uint8 [H, W, 3].
        """
        photo = np.asarray(photo)
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(
                "photo must be uint8 [H, W, 3], RGB; got "
                f"{photo.dtype} {list(photo.shape)} - decode with channels=3"
            )
        if not self._inference.multi_scale:
            factor = np.float32(self._inference.scale)
            found = self._single_pass(photo[None], factor)[0].numpy()
            return lambda: found
        height, width = photo.shape[:2]
        sides = np.array([height, width, height, width], np.float64)
        passes = plan_passes(height, width)
        groups = _by_factor(passes) if _pairs_pay() else [[one] for one in passes]
        detections = np.concatenate(
            [_run(self._single_pass, photo, sides, group) for group in groups]
        )
        return lambda: self._merge(detections, sides)

    def _merge(self, detections, sides):
        boxes, scores = box_ops.vote(
            detections[:, 1:],
            detections[:, 0],
            self._inference.nms_iou,
            self._inference.max_detections,
        )
        return np.column_stack([scores, boxes / sides]).astype(np.float32)


def _pairs_pay() -> bool:
    """Tell whether to look at a photo and its mirror image together.

    A processor needs the same time for both ways, and more memory for this one.
    """
    return bool(tf.config.list_physical_devices("GPU"))


def _by_factor(passes):
    """Put neighbours of one factor together: the photo and its mirror image."""
    groups = itertools.groupby(passes, key=lambda one: one.factor)
    return [list(group) for _, group in groups]


def plan_passes(height: int, width: int) -> list[Pass]:
    """Return the passes of the multi-scale test for a photo of one size.

    Args:
        height, width: of the photo in pixels.

    Source: dsfd.md, section 11, table.
    """
    most = math.sqrt(PIXELS_AT_FULL_SIZE / (height * width))
    base = min(1.0, most)
    small = 0.5 if most >= 0.75 else 0.5 * most
    big = min(2.0, most) if most > 1 else (small + most) / 2
    factors = [big]
    if most > 2:
        big = 4.0
        while big < most:
            factors.append(big)
            big *= 2
        factors.append(most)
    keep = SMALL if big > 1 else LARGE
    return [
        Pass(base, False, ALL),
        Pass(base, True, ALL),
        Pass(small, False, LARGE),
        *(Pass(factor, False, keep) for factor in factors),
    ]


def _run(single_pass, photo, sides, passes: list[Pass]) -> np.ndarray:
    """Return the detections of one pass, or of two of the same factor.

    They are float64 [M, 5], boxes in pixels.
    """
    views = [photo[:, ::-1] if one.mirrored else photo for one in passes]
    found = single_pass(np.stack(views), np.float32(passes[0].factor))
    return np.concatenate(
        [
            _in_photo(detections.numpy().astype(np.float64), sides, one)
            for detections, one in zip(found, passes, strict=False)
        ]
    )


def _in_photo(detections, sides, one):
    """Bring the detections of a pass to the photo's pixels, and drop what it must."""
    if one.mirrored:
        detections[:, [2, 4]] = 1.0 - detections[:, [4, 2]]
    detections[:, 1:] *= sides
    extents = detections[:, 3:] - detections[:, 1:3] + 1
    kept = {
        ALL: np.ones(len(detections), bool),
        LARGE: extents.max(axis=1) > 30,
        SMALL: extents.min(axis=1) < 100,
    }
    return detections[kept[one.keep]]


def to_xywh_pixels(
    detections: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Convert detections to what a WIDER FACE prediction file holds.

    Args:
        detections: float32 [M, 5], from `PhotoDetector`.
        height, width: of the photo in pixels.

    Returns:
        (float64 [M, 4] left, top, width + 1, height + 1 in pixels; float64 [M] scores).
        The published detector writes its sides with that pixel.

    Source: dsfd.md, section 11.
    """
    scores, y1, x1, y2, x2 = np.asarray(detections, np.float64).T
    boxes = [x1 * width, y1 * height, (x2 - x1) * width + 1, (y2 - y1) * height + 1]
    return np.column_stack(boxes), scores
