"""A generator in one module: noise of the face's seed, scaled by one learnt kernel."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers import face_crops
from safefakes_tf.anonymizers.context_inpainter import BOX, PATCHES, ContextInpainter
from safefakes_tf.anonymizers.registry import Method, Stage
from safefakes_tf.training import image_summary, optimizers


@dataclasses.dataclass(frozen=True)
class ToyConfig:
    """Settings of the network."""

    resolution: int = 8  # side of a patch, px
    fill: int = 0  # grey level that masks a face


def build_generator(config: ToyConfig) -> keras.Model:
    side = config.resolution
    context = keras.Input((side, side, 3), name="context")
    noise = keras.Input((side, side, 3), name="noise")
    joined = keras.layers.Concatenate(name="joined")([context, noise])
    image = keras.layers.Conv2D(3, 1, name="image")(joined)
    return keras.Model({"context": context, "noise": noise}, image, name="toy")


def noise_of(seeds: tf.Tensor, side: int) -> tf.Tensor:
    """Return float32 [N, side, side, 3], of int64 [N] alone."""
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal([side, side, 3], [seed, 0]),
        seeds,
        fn_output_signature=tf.TensorSpec([side, side, 3], tf.float32),
    )


class Toy(ContextInpainter):
    name = "toy"
    keypoints = "deepprivacy7"
    square_or_box = BOX

    def condition(self, patches: tf.Tensor, points: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"context": tf.cast(patches, tf.float32) / 127.5 - 1}

    def generator_inputs(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        condition = super().generator_inputs(inputs, seeds)
        return {**condition, "noise": noise_of(seeds, inputs[PATCHES].shape[1])}

    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.cast(tf.clip_by_value((outputs + 1) * 127.5, 0, 255), tf.uint8)


class ToyTrainer:
    compiles = False
    optimizes = True

    def __init__(self, settings, dataset: tf.data.Dataset, stage: Stage, before: Any):
        self._network = settings.network
        self._generator = build_generator(settings.network)
        self._optimizer = optimizers.create_adam(
            settings.gan.generator_learning_rate,
            (0.5, 0.999),
            settings.loop.mixed_precision,
        )
        self._optimizer.build(self._generator.trainable_variables)
        self._samples = image_summary.first_samples(dataset)
        self.items = {"generator": self._generator, "optimizer": self._optimizer}

    def train_step(self, batch: Any) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(self._generate(batch) - batch.image))
        optimizers.descend(tape, loss, self._generator, self._optimizer)
        return {"total": loss}

    def learning_rate(self) -> float:
        return float(self._optimizer.learning_rate)

    def final_generator(self) -> tuple[Any, keras.Model]:
        return self._network, self._generator

    def image_summary(self, batch: Sequence[tf.Tensor]) -> np.ndarray:
        samples = self._samples
        return image_summary.sample_sheet(
            samples.image, samples.condition, self._generate(samples)
        )

    def _generate(self, batch):
        noise = noise_of(batch.seed[:, 1], batch.condition.shape[1])
        return self._generator({"context": batch.condition, "noise": noise})


METHODS = {
    "toy": Method(
        Toy,
        build_generator,
        lambda settings: [
            Stage(settings.network.resolution, settings.gan.total_images)
        ],
        functools.partial(face_crops.batches, Toy.keypoints),
        ToyTrainer,
    )
}
