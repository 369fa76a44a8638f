"""Training of Sun2018: what is hidden is learnt from what was there."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.sun2018 import losses as sun2018_losses
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.training import optimizers
from safefakes_tf.training.sample_sheet import sample_sheet

Batch = dict[str, tf.Tensor]


class Sun2018Trainer:
    """A generator, its discriminator and their optimizers; see `loop.Trainer`.

    Args:
        generator, discriminator: from `models.sun2018`, built under the strategy's
            scope.
        generator_optimizer, discriminator_optimizer: built here.
        samples: a batch of a few faces, of which pictures are drawn.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        samples: Batch,
    ):
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        self.items = {
            "generator": generator,
            "discriminator": discriminator,
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
        }
        self._generator, self._discriminator = generator, discriminator
        self._generator_optimizer = generator_optimizer
        self._discriminator_optimizer = discriminator_optimizer
        self._samples = samples

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Move the generator, then the discriminator, on one replica's share of faces.

        Args:
            batch: see `data.crops`.

        Returns:
            "adversarial", "difference" and their weighted sum "total", the generator's
            loss; "discriminator". Their sums over the replicas are the global figures.

        Source: sun2018.md, section 5.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        real = batch["image"]
        inputs = generator_inputs(batch)

        with tf.GradientTape() as tape:
            fake = self._generator(inputs, training=True)
            _, fake_logits = self._judge(real, fake)
            losses = sun2018_losses.cross_entropy_generator(
                fake_logits, fake, real, batch["mask"]
            )
            losses = {name: value / replicas for name, value in losses.items()}
            scaled = self._generator_optimizer.scale_loss(losses["total"])
        optimizers.descend(tape, scaled, self._generator, self._generator_optimizer)

        fake = self._generator(inputs, training=True)  # by the generator as it is now
        with tf.GradientTape() as tape:
            logits = self._judge(real, fake)
            loss = sun2018_losses.cross_entropy_discriminator(*logits) / replicas
            scaled = self._discriminator_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._discriminator, self._discriminator_optimizer
        )
        return {**losses, "discriminator": loss}

    def learning_rate(self) -> float:
        """Return the generator's rate."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> keras.Model:
        """Return the generator to anonymize with: the last one."""
        return self._generator

    def picture(self, batch: Batch) -> np.ndarray:
        """Return the sample faces: as they are, hidden, and painted anew."""
        painted = self._generator(generator_inputs(self._samples), training=False)
        return sample_sheet(self._samples, painted)

    def _judge(self, real, fake):
        """Return the logits of both: one batch, so that norms see them together."""
        logits = self._discriminator(tf.concat([real, fake], axis=0), training=True)
        return tf.split(logits, 2)


def generator_inputs(batch: Batch) -> Batch:
    """Return what the generator is told of a batch of faces (`data.crops`)."""
    side = batch["condition"].shape[1]
    return {
        sun2018.CONDITION: batch["condition"],
        sun2018.KEYPOINT_MAPS: sun2018.keypoint_maps(batch["points"] * side, side),
    }
