"""Training of DeepPrivacy: a generator that a discriminator cannot tell from photos."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy import growth
from safefakes_tf.anonymizers.deepprivacy import losses as deepprivacy_losses
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import DeepPrivacyConfig, TrainAnonymizer
from safefakes_tf.training import image_summary, optimizers, threefry
from safefakes_tf.training.batches import FaceBatch
from safefakes_tf.training.diff_augment import Augmentation
from safefakes_tf.training.ema import EMA

BETAS = (0.0, 0.99)
HALF_LIFE = 10_000  # images after which a weight counts half in the EMA
NOISE_SHAPE = (deepprivacy.LOWEST, deepprivacy.LOWEST, deepprivacy.NOISE_CHANNELS)


def stages(settings: TrainAnonymizer) -> list[Stage]:
    """Return the stages of growth that the settings ask for."""
    return growth.stages(
        settings.network.resolution,
        settings.gan.total_images,
        settings.gan.phase_images,
    )


class DeepPrivacyTrainer:
    """A generator, its EMA, its discriminator, their optimizers; see `loop.Trainer`.

    Args:
        settings: of the training.
        dataset: of the stage; the image summaries show its first faces.
        stage: what is trained at which resolution.
        before: trainer of the stage before, from which the networks grow.
    """

    compiles = False
    optimizes = True

    def __init__(
        self,
        settings: TrainAnonymizer,
        dataset: tf.data.Dataset,
        stage: Stage,
        before: "DeepPrivacyTrainer | None" = None,
    ):
        self._settings, self._stage = settings, stage
        network = dataclasses.replace(settings.network, resolution=stage.resolution)
        fading = stage.fade_examples > 0
        generator = deepprivacy.build_generator(network, fading)
        discriminator = deepprivacy.build_discriminator(network, fading)
        averaged = deepprivacy.build_generator(network, fading)
        if before is not None:
            deepprivacy.grow(before.items["generator"], generator)
            deepprivacy.grow(before.items["discriminator"], discriminator)
        averaged.set_weights(generator.get_weights())
        if before is not None:  # its new layers start as the generator's
            deepprivacy.grow(before.final_generator()[1], averaged)
        gan, precision = settings.gan, settings.loop.mixed_precision
        generator_optimizer, discriminator_optimizer = (
            optimizers.create_adam(rate, BETAS, precision)
            for rate in (gan.generator_learning_rate, gan.discriminator_learning_rate)
        )
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        momentum = 0.5 ** (settings.loop.global_batch_size / HALF_LIFE)
        # A network that has grown goes on with its average.
        self._ema = EMA(averaged.trainable_variables, momentum, before is not None)
        self.items = {
            "generator": generator,
            "discriminator": discriminator,
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "generator_ema": self._ema,
        }
        self._network = network
        self._generator, self._discriminator = generator, discriminator
        self._generator_optimizer = generator_optimizer
        self._discriminator_optimizer = discriminator_optimizer
        self._averaged = averaged
        self._samples = image_summary.first_samples(dataset)

    def train_step(self, batch: FaceBatch) -> dict[str, tf.Tensor]:
        """Move the discriminator, then the generator, on one replica's share of faces.

        Returns:
            "total", the discriminator's loss, its part "penalty", and "generator". All
            are sums over the faces, so their sums over the replicas are the global
            metrics.

        Source: deepprivacy.md, section 9.
        """
        first, second, mixing = _random(batch)
        real, given = self._shown(batch)

        def score(*images, draw=0):
            # In one call: without norms, no image has a say in the score of another.
            shown = [self._augmented(each, given, batch, draw) for each in images]
            inputs = {
                name: tf.concat([each[name] for each in shown], axis=0)
                for name in shown[0]
            }
            scores = self._discriminator(inputs, training=True)
            return tf.split(scores, len(images))

        noise = {deepprivacy.NOISE: first}
        fake = self._generator({**given, **noise}, training=True)
        with tf.GradientTape() as tape:
            penalties = deepprivacy_losses.gradient_penalty(
                lambda images: score(images)[0], real, fake, mixing
            )
            loss = deepprivacy_losses.wasserstein_discriminator(
                *score(real, fake), penalties
            )
            scaled = self._discriminator_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._discriminator, self._discriminator_optimizer
        )

        noise = {deepprivacy.NOISE: second}
        with tf.GradientTape() as tape:
            fake = self._generator({**given, **noise}, training=True)
            generator_loss = deepprivacy_losses.wasserstein_generator(
                *score(fake, draw=1)
            )
            scaled = self._generator_optimizer.scale_loss(generator_loss)
        optimizers.descend(
            tape, scaled, self._generator, self._generator_optimizer, self._ema
        )
        return {
            "total": loss,
            "penalty": tf.reduce_sum(penalties),
            "generator": generator_loss,
        }

    def learning_rate(self) -> float:
        """Return the learning rate of the generator."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> tuple[DeepPrivacyConfig, keras.Model]:
        """Return the generator to anonymize with: the EMA, faded in."""
        self._ema.copy_to(self._averaged.trainable_variables)
        generator = deepprivacy.build_generator(self._network)
        deepprivacy.grow(self._averaged, generator)
        return self._network, generator

    def image_summary(self, batch: FaceBatch) -> np.ndarray:
        """Return the samples: as they are, masked, and generated by the EMA."""
        samples = self._samples
        noise = tf.zeros([len(samples.image), *NOISE_SHAPE])
        _, given = self._shown(samples)
        self._ema.copy_to(self._averaged.trainable_variables)
        generated = self._averaged({**given, deepprivacy.NOISE: noise}, training=False)
        return image_summary.sample_sheet(samples.image, samples.condition, generated)

    def _augmented(self, images, given, batch, draw):
        """Return what the discriminator is shown of images and of what is given."""
        augmentation = Augmentation(
            self._settings.gan.augmentation, batch.seed, images.shape[1], draw
        )
        image, condition = augmentation.pictures(images, given[deepprivacy.CONDITION])
        return {
            **given,
            deepprivacy.IMAGE: image,
            deepprivacy.CONDITION: condition,
            deepprivacy.POSE: _pose(augmentation.points(batch.points)),
        }

    def _shown(self, batch):
        """Return the real faces, and what both networks are told of a batch.

        While a resolution is faded in, the images fade in with it.
        """
        real, condition = batch.image, batch.condition
        given = {}
        if self._stage.fade_examples:
            share = growth.transition(
                self._generator_optimizer.iterations,
                self._settings.loop.global_batch_size,
                self._stage.fade_examples,
            )
            side = real.shape[1]
            boxes = growth.blend_boxes(batch.box, share)
            real = growth.blend(real, share)
            grey = self._settings.network.fill / 255 * 2 - 1
            grey = tf.cast(grey, condition.dtype)
            condition = tf.where(
                growth.box_masks(boxes, side), grey, growth.blend(condition, share)
            )
            given[deepprivacy.TRANSITION] = tf.fill([tf.shape(real)[0], 1], share)
        given[deepprivacy.CONDITION] = condition
        return real, {**given, deepprivacy.POSE: _pose(batch.points)}


def _pose(points):
    return tf.reshape(points, [-1, 2 * deepprivacy.NUM_KEYPOINTS])


def _random(batch):
    """Return two noises and a mixing factor for each face, from its seed alone."""
    noise = threefry.normal(batch.seed, (2, *NOISE_SHAPE), stream=0)
    mixing = threefry.uniform(batch.seed, (1, 1, 1), stream=1)
    return noise[:, 0], noise[:, 1], tf.cast(mixing, batch.image.dtype)
