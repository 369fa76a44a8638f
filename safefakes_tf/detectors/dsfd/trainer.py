"""Training of the detector: one step, and a picture of how it does."""

import cv2
import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.config import Config
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import losses as dsfd_losses


class DetectorTrainer:
    """One DSFD and its optimizer; see `loop.Trainer`.

    Args:
        model: from `dsfd.build_dsfd`, built under the strategy's scope.
        optimizer: built here, on the model's variables.
        config: of the run; loss, clipping and input size are read.
    """

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, config: Config
    ):
        optimizer.build(model.trainable_variables)
        self.items = {"model": model, "optimizer": optimizer}
        self._model = model
        self._optimizer = optimizer
        self._config = config
        size = config.model.input_size
        self._anchors = {
            shot: anchor_ops.anchors(size, size, shot, config.model.anchor_ratio)
            for shot in anchor_ops.SHOTS
        }

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Learn from one replica's share of a batch.

        Args:
            batch: "image" float32 [B, S, S, 3] in 0..255, "boxes" float32 [B, G, 4]
                yxyx relative, padded, "num_boxes" int32 [B].

        Returns:
            The losses of `losses.progressive_anchor_loss`, float32 scalars whose sums
            over the replicas are those of the global batch.
        """
        replicas = tf.distribute.get_replica_context()

        def sum_over_replicas(tensors):
            return replicas.all_reduce(tf.distribute.ReduceOp.SUM, tensors)

        with tf.GradientTape() as tape:
            losses = dsfd_losses.progressive_anchor_loss(
                self._model(batch["image"], training=True),
                batch["boxes"],
                batch["num_boxes"],
                self._anchors,
                self._config.loss,
                sum_over_replicas,
            )
            scaled = self._optimizer.scale_loss(losses["total"])
        gradients = tape.gradient(scaled, self._model.trainable_variables)
        if self._config.optimizer.clip_norm is not None:
            gradients = self._clip(sum_over_replicas(gradients), replicas)
        self._optimizer.apply(gradients, self._model.trainable_variables)
        return losses

    def final_model(self) -> keras.Model:
        """Return the detector to use, after which training cannot go on.

        Its weights become their running average, if one is kept.
        """
        self._optimizer.finalize_variable_values(self._model.trainable_variables)
        return self._model

    def learning_rate(self) -> float:
        return float(self._optimizer.learning_rate)

    def picture(self, batch: dict[str, tf.Tensor]) -> np.ndarray:
        """Return the first photo of a batch, faces in red, confident finds in green.

        They are found with the last weights, not with a running average.
        """
        image = tf.cast(batch["image"][0], tf.uint8).numpy()
        found = detect.detect_photo(self._model, image, self._config.inference).numpy()
        faces = batch["boxes"][0, : batch["num_boxes"][0]].numpy()
        for boxes, colour in (
            (faces, (255, 0, 0)),
            (found[found[:, 0] >= 0.5, 1:], (0, 255, 0)),
        ):
            # An untrained network finds boxes too large for OpenCV.
            pixels = np.clip(np.nan_to_num(boxes), 0, 1) * len(image)
            for top, left, bottom, right in pixels.astype(int).tolist():
                cv2.rectangle(image, (left, top), (right, bottom), colour, 1)
        return image

    def _clip(self, gradients, replicas):
        scale = self._optimizer.scale_loss(1.0)
        limit = self._config.optimizer.clip_norm * scale
        clipped, _ = tf.clip_by_global_norm(gradients, limit)
        # The optimizer sums over the replicas again.
        return [gradient / replicas.num_replicas_in_sync for gradient in clipped]
