"""Training of Sun2018: what is masked is learnt from what was there."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.anonymizers.sun2018 import losses as sun2018_losses
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.config import Sun2018Config, TrainAnonymizer
from safefakes_tf.training import image_summary, optimizers
from safefakes_tf.training.batches import FaceBatch
from safefakes_tf.training.diff_augment import Augmentation

BETAS = (0.5, 0.999)


def stages(settings: TrainAnonymizer) -> list[Stage]:
    """Return the only stage of a training."""
    return [Stage(settings.network.resolution, settings.gan.total_images)]


class Sun2018Trainer:
    """A generator, its discriminator and their optimizers; see `loop.Trainer`.

    Args:
        settings: of the training.
        dataset: of its only stage; the image summaries show its first faces.
    """

    compiles = False
    optimizes = True

    def __init__(self, settings: TrainAnonymizer, dataset: tf.data.Dataset, *_: object):
        gan, precision = settings.gan, settings.loop.mixed_precision
        generator = sun2018.build_generator(settings.network)
        discriminator = sun2018.build_discriminator(settings.network)
        generator_optimizer, discriminator_optimizer = (
            optimizers.create_adam(rate, BETAS, precision)
            for rate in (gan.generator_learning_rate, gan.discriminator_learning_rate)
        )
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
        self._network = settings.network
        self._augmentation = gan.augmentation
        self._samples = image_summary.first_samples(dataset)

    def train_step(self, batch: FaceBatch) -> dict[str, tf.Tensor]:
        """Move the generator, then the discriminator, on one replica's share of faces.

        Returns:
            "adversarial", "l1_loss" and their weighted sum "total", the generator's
            loss; "discriminator". Their sums over the replicas are the global metrics.

        Source: sun2018.md, section 5.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        inputs = generator_inputs(batch)

        with tf.GradientTape() as tape:
            fake = self._generator(inputs, training=True)
            _, fake_logits = self._discriminate(batch, fake, draw=0)
            losses = sun2018_losses.cross_entropy_generator(
                fake_logits, fake, batch.image, batch.mask
            )
            losses = {name: value / replicas for name, value in losses.items()}
            scaled = self._generator_optimizer.scale_loss(losses["total"])
        optimizers.descend(tape, scaled, self._generator, self._generator_optimizer)

        fake = self._generator(inputs, training=True)  # by the generator as it is now
        with tf.GradientTape() as tape:
            logits = self._discriminate(batch, fake, draw=1)
            loss = sun2018_losses.cross_entropy_discriminator(*logits) / replicas
            scaled = self._discriminator_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._discriminator, self._discriminator_optimizer
        )
        return {**losses, "discriminator": loss}

    def learning_rate(self) -> float:
        """Return the generator's learning rate."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> tuple[Sun2018Config, keras.Model]:
        """Return the generator to anonymize with: the last one."""
        return self._network, self._generator

    def image_summary(self, batch: FaceBatch) -> np.ndarray:
        """Return the samples: as they are, masked, and generated."""
        samples = self._samples
        generated = self._generator(generator_inputs(samples), training=False)
        return image_summary.sample_sheet(samples.image, samples.condition, generated)

    def _discriminate(self, batch, fake, draw):
        """Return the logits of both: one batch, so that norms see them together."""
        side = fake.shape[1]
        augmentation = Augmentation(self._augmentation, batch.seed, side, draw)
        shown = [*augmentation.pictures(batch.image), *augmentation.pictures(fake)]
        logits = self._discriminator(tf.concat(shown, axis=0), training=True)
        return tf.split(logits, 2)


def generator_inputs(batch: FaceBatch) -> dict[str, tf.Tensor]:
    """Return what the generator is told of faces."""
    side = batch.condition.shape[1]
    return {
        sun2018.CONDITION: batch.condition,
        sun2018.KEYPOINT_MAPS: sun2018.keypoint_maps(batch.points * side, side),
    }
