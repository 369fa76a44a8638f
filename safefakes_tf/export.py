"""SavedModel endpoints, which need nothing but TensorFlow to run.

The weights of networks are constants of their graphs.
"""

import os

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf import atomic, frozen
from safefakes_tf.anonymizers.base import Anonymizer
from safefakes_tf.config import InferenceConfig
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.faces import Faces
from safefakes_tf.photos import checks


def export_anonymizer(anonymizer: Anonymizer, path: str | os.PathLike) -> None:
    """Write an anonymizer as a SavedModel; the policy per face is part of it.

    Signature `serving_default`, for N >= 0 faces with K keypoints, photos of any size:
    `photo` uint8 [H, W, 3] RGB, `boxes` float32 [N, 4] yxyx relative, `keypoints`
    float32 [N, K, 2] y x relative, `has_keypoints` bool [N] and `seed` int64 of the
    photo give `photo` uint8 [H, W, 3] and `action` int64 [N] (see `faces.ACTIONS`).

    Nobody checks what a SavedModel is given. A box that cannot be meant blacks out the
    whole photo, as one with NaN does: one beside the photo, as most in pixels are, with
    swapped corners, or more than `checks.LARGEST` times the photo's longer side. A box
    without an area hides nothing; one of zeros may be padding.

    Args:
        anonymizer: from `registry.create`.
        path: folder to write, as a whole; one that is there is replaced.
    """

    def serve(photo, boxes, keypoints, has_keypoints, seed):
        faces = Faces(_nan_if_impossible(boxes, photo), keypoints, has_keypoints)
        photo, action = anonymizer.apply(photo, faces, seed)
        return {"photo": photo, "action": action}

    signature = [
        tf.TensorSpec([None, None, 3], tf.uint8, "photo"),
        tf.TensorSpec([None, 4], tf.float32, "boxes"),
        tf.TensorSpec([None, None, 2], tf.float32, "keypoints"),
        tf.TensorSpec([None], tf.bool, "has_keypoints"),
        tf.TensorSpec([], tf.int64, "seed"),
    ]
    _save(serve, signature, path)


def export_detector(
    model: keras.Model, inference: InferenceConfig, path: str | os.PathLike
) -> None:
    """Write a detector as a SavedModel that looks at a photo once.

    Signature `serving_default`: `photo` uint8 [H, W, 3] RGB, of any size, gives `boxes`
    float32 [M, 4] yxyx relative and `scores` float32 [M], by falling score.

    Args:
        model: from `dsfd.build_dsfd`.
        inference: scale, thresholds and caps; `multi_scale` is ignored.
        path: folder to write, as a whole; one that is there is replaced.
    """
    part = dsfd.second_shot(model)

    def serve(photo):
        with frozen.weights(part.variables):
            detections = detect.detect_photo(part, photo, inference)
        return {"boxes": detections[:, 1:], "scores": detections[:, 0]}

    _save(serve, [tf.TensorSpec([None, None, 3], tf.uint8, "photo")], path)


def _nan_if_impossible(boxes, photo):
    """Return float32 [N, 4] with NaN for boxes that cannot be meant."""
    size = tf.cast(tf.shape(photo)[:2], tf.float32)
    near, far = boxes[:, :2], boxes[:, 2:]
    wrong = (far < near) | (near >= 1) | (far < 0) | ((far == 0) & (near < 0))
    wrong |= (far - near) * size > checks.LARGEST * tf.reduce_max(size)
    return tf.where(tf.reduce_any(wrong, axis=1, keepdims=True), np.nan, boxes)


def _save(serve, signature, path):
    module = tf.Module()
    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    signatures = {"serving_default": module.serve}
    with atomic.making(path) as partial:
        tf.saved_model.save(module, os.fspath(partial), signatures=signatures)
