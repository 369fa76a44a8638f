"""Training of DeepPrivacy: a generator that a discriminator cannot tell from photos."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy import growth
from safefakes_tf.anonymizers.deepprivacy import losses as deepprivacy_losses
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.config import DeepPrivacyConfig
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training import optimizers
from safefakes_tf.training.sample_sheet import sample_sheet

Batch = dict[str, tf.Tensor]
HALF_LIFE = 10_000  # images after which a weight counts half in the running average
NOISE_SHAPE = (deepprivacy.LOWEST, deepprivacy.LOWEST, deepprivacy.NOISE_CHANNELS)


class DeepPrivacyTrainer:
    """A generator, its discriminator and their optimizers; see `loop.Trainer`.

    Args:
        generator, discriminator: from `models.deepprivacy`, built under the strategy's
            scope.
        generator_optimizer, discriminator_optimizer: built here; the generator's keeps
            the running average of the weights, of which pictures are drawn.
        average: a generator like the first, with the start values of that average.
        samples: a batch of a few faces, of which pictures are drawn.
        config: of the networks; the resolution may be a later one.
        global_batch_size: over all replicas.
        fade_images: shown until the networks' resolution is faded in; 0 if it is not.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        average: keras.Model,
        samples: Batch,
        config: DeepPrivacyConfig,
        global_batch_size: int,
        fade_images: int,
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
        self._average = average
        self._samples = samples
        self._global_batch_size = global_batch_size
        self._fade_images, self._config = fade_images, config
        for variable, start in zip(
            self._averages(), average.trainable_variables, strict=True
        ):
            variable.assign(start)

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Move the discriminator, then the generator, on one replica's share of faces.

        Args:
            batch: see `data.crops`.

        Returns:
            "total", the discriminator's loss, its part "penalty", and "generator". All
            are sums over the faces, so their sums over the replicas are the global
            figures.

        Source: deepprivacy.md, section 9.
        """
        first, second, mixing = _random(batch["seed"])
        real, given = self._shown(batch)

        def score(images):
            inputs = {deepprivacy.IMAGE: images, **given}
            return self._discriminator(inputs, training=True)

        noise = {deepprivacy.NOISE: first}
        fake = self._generator({**given, **noise}, training=True)
        with tf.GradientTape() as tape:
            penalties = deepprivacy_losses.gradient_penalty(score, real, fake, mixing)
            loss = deepprivacy_losses.wasserstein_discriminator(
                score(real), score(fake), penalties
            )
            scaled = self._discriminator_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._discriminator, self._discriminator_optimizer
        )

        noise = {deepprivacy.NOISE: second}
        with tf.GradientTape() as tape:
            fake = self._generator({**given, **noise}, training=True)
            generator_loss = deepprivacy_losses.wasserstein_generator(score(fake))
            scaled = self._generator_optimizer.scale_loss(generator_loss)
        optimizers.descend(tape, scaled, self._generator, self._generator_optimizer)
        return {
            "total": loss,
            "penalty": tf.reduce_sum(penalties),
            "generator": generator_loss,
        }

    def learning_rate(self) -> float:
        """Return the rate of both networks."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> keras.Model:
        """Return the generator to anonymize with: the running average, faded in."""
        self._update_average()
        side = self._average.output.shape[1]
        config = dataclasses.replace(self._config, resolution=side)
        generator = deepprivacy.build_generator(config)
        deepprivacy.grow(self._average, generator)
        return generator

    def picture(self, batch: Batch) -> np.ndarray:
        """Return the sample faces: as they are, hidden, and painted anew."""
        noise = tf.zeros([len(self._samples["image"]), *NOISE_SHAPE])
        _, given = self._shown(self._samples)
        self._update_average()
        painted = self._average({**given, deepprivacy.NOISE: noise}, training=False)
        return sample_sheet(self._samples, painted)

    def _shown(self, batch):
        """Return the real faces, and what both networks are told of a batch.

        While a resolution is faded in, pictures fade in with it.
        """
        real, condition = batch["image"], batch["condition"]
        given = {}
        if self._fade_images:
            step = self._generator_optimizer.iterations
            share = growth.transition(step, self._global_batch_size, self._fade_images)
            side = real.shape[1]
            boxes = growth.blend_boxes(batch["box"], share)
            masks = tf.map_fn(
                lambda box: region_ops.regions_mask(box[tf.newaxis], side, side),
                boxes,
                fn_output_signature=tf.TensorSpec([side, side], tf.bool),
            )
            real = growth.blend(real, share)
            grey = self._config.fill / 255 * 2 - 1
            condition = tf.where(
                masks[..., tf.newaxis], grey, growth.blend(condition, share)
            )
            given[deepprivacy.TRANSITION] = tf.fill([tf.shape(real)[0], 1], share)
        given[deepprivacy.CONDITION] = condition
        points = tf.reshape(batch["points"], [-1, 2 * deepprivacy.NUM_KEYPOINTS])
        return real, {**given, deepprivacy.POSE: points}

    def _update_average(self):
        variables = self._average.trainable_variables
        for variable, value in zip(variables, self._averages(), strict=True):
            variable.assign(np.asarray(value))

    def _averages(self):
        """Return the running averages, in the order of the model's variables."""
        optimizer = self._generator_optimizer
        return [v for v in optimizer.variables if v.name.endswith("_average")]


def _random(seeds):
    """Return two noises and a mixing factor for each face, from its seed alone."""

    def draw(seed):
        noise = tf.random.stateless_normal([2, *NOISE_SHAPE], seed)
        mixing = tf.random.stateless_uniform([1, 1, 1], seed)
        return noise[0], noise[1], mixing

    noise, mixing = (
        tf.TensorSpec(shape, tf.float32) for shape in (NOISE_SHAPE, (1, 1, 1))
    )
    return tf.map_fn(draw, seeds, fn_output_signature=(noise, noise, mixing))


def running_average_momentum(global_batch_size: int) -> float:
    """Return what a step leaves of the average: half after `HALF_LIFE` images."""
    return 0.5 ** (global_batch_size / HALF_LIFE)
