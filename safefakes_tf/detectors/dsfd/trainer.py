"""Training of the detector: one step, and an image that shows how it does."""

import cv2
import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.config import TrainDetector
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import losses as dsfd_losses
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import pretrained, random_initialization
from safefakes_tf.training import optimizers
from safefakes_tf.training.batches import PhotoBatch
from safefakes_tf.training.ema import EMA


class DetectorTrainer:
    """One DSFD, its optimizer and perhaps its EMA; see `loop.Trainer`.

    Args:
        settings: of the training.
        dataset: its batches; the first photos scale a model that starts random.
    """

    compiles = True
    optimizes = True

    def __init__(self, settings: TrainDetector, dataset: tf.data.Dataset):
        model = dsfd.build_dsfd(settings.model)
        unset, origin = pretrained.initialise(
            model, settings.model, settings.init_weights
        )
        if unset:
            photos = tf.cast(next(iter(dataset)).batch.image, tf.float32)
            random_initialization.fit_to_photos(model, photos, unset)
        print(f"initial weights: {origin}", flush=True)
        optimizer = optimizers.create(settings.optimizer, settings.loop.mixed_precision)
        optimizer.build(model.trainable_variables)
        self.items = {"model": model, "optimizer": optimizer}
        self._ema = None
        if settings.optimizer.ema is not None:
            self._ema = EMA(model.trainable_variables, settings.optimizer.ema)
            self.items["ema"] = self._ema
        self._model = model
        self._optimizer = optimizer
        self._settings = settings
        size = settings.model.input_size
        self._anchors = {
            shot: anchor_ops.anchors(size, size, shot, settings.model.anchor_ratio)
            for shot in anchor_ops.SHOTS
        }

    def train_step(self, batch: PhotoBatch) -> dict[str, tf.Tensor]:
        """Learn from one replica's share of a batch.

        Returns:
            The losses of `losses.progressive_anchor_loss`, float32 scalars whose sums
            over the replicas are those of the global batch.
        """
        replicas = tf.distribute.get_replica_context()

        def sum_over_replicas(tensors):
            return replicas.all_reduce(tf.distribute.ReduceOp.SUM, tensors)

        with tf.GradientTape() as tape:
            losses = dsfd_losses.progressive_anchor_loss(
                self._model(tf.cast(batch.image, tf.float32), training=True),
                batch.boxes,
                batch.num_boxes,
                self._anchors,
                self._settings.loss,
                sum_over_replicas,
            )
            scaled = self._optimizer.scale_loss(losses["total"])
        gradients = tape.gradient(scaled, self._model.trainable_variables)
        if self._settings.optimizer.clip_norm is not None:
            gradients = self._clip(sum_over_replicas(gradients), replicas)
        optimizers.apply(gradients, self._model, self._optimizer, self._ema)
        return losses

    def final_model(self) -> keras.Model:
        """Return the detector to use, after which training cannot go on.

        Its weights become their EMA, if one is kept.
        """
        if self._ema is not None:
            self._ema.copy_to(self._model.trainable_variables)
        return self._model

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(self._optimizer.learning_rate)

    def image_summary(self, batch: PhotoBatch) -> np.ndarray:
        """Return the first photo of a batch: faces in red, confident detections green.

        The detections are those of the last weights, not of their EMA.
        """
        image = batch.image[0].numpy()
        detections = detect.detect_photo(
            self._model, image, self._settings.inference
        ).numpy()
        faces = batch.boxes[0, : batch.num_boxes[0]].numpy()
        for boxes, colour in (
            (faces, (255, 0, 0)),
            (detections[detections[:, 0] >= 0.5, 1:], (0, 255, 0)),
        ):
            # An untrained network predicts boxes too large for OpenCV.
            pixels = np.clip(np.nan_to_num(boxes), 0, 1) * len(image)
            for top, left, bottom, right in pixels.astype(int).tolist():
                cv2.rectangle(image, (left, top), (right, bottom), colour, 1)
        return image

    def _clip(self, gradients, replicas):
        scale = self._optimizer.scale_loss(1.0)
        limit = self._settings.optimizer.clip_norm * scale
        clipped, _ = tf.clip_by_global_norm(gradients, limit)
        # The optimizer sums over the replicas again.
        return [gradient / replicas.num_replicas_in_sync for gradient in clipped]
