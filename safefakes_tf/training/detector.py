"""Training of the detector: one step, and a picture of how it does."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.config import InferenceConfig, LossConfig
from safefakes_tf.losses import multibox
from safefakes_tf.models import dsfd


class DetectorTrainer:
    """One DSFD and its optimizer; see `loop.Trainer`.

    Args:
        model: from `dsfd.build_dsfd`, built under the strategy's scope.
        optimizer: built here on the model's variables.
        loss: matching and mining.
        anchor_ratio: as in the model's configuration.
        clip_norm: limit of the global gradient's norm, or None.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: LossConfig,
        anchor_ratio: float = 1.0,
        clip_norm: float | None = None,
    ):
        optimizer.build(model.trainable_variables)
        self.items = {"model": model, "optimizer": optimizer}
        self._model = model
        self._optimizer = optimizer
        self._loss = loss
        self._anchor_ratio = anchor_ratio
        self._clip_norm = clip_norm
