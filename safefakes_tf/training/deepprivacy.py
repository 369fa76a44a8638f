"""Training of DeepPrivacy: a generator that a discriminator cannot tell from photos."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.losses import adversarial
from safefakes_tf.models import deepprivacy
from safefakes_tf.training.samples import sample_sheet

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
        average: a generator like the first, for those pictures.
        samples: a batch of a few faces, of which pictures are drawn.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        average: keras.Model,
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
        self._average = average
        self._samples = samples

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
        given = _given(batch)

        def score(images):
            inputs = {deepprivacy.IMAGE: images, **given}
            return self._discriminator(inputs, training=True)

        noise = {deepprivacy.NOISE: first}
        fake = self._generator({**given, **noise}, training=True)
        with tf.GradientTape() as tape:
            penalties = adversarial.gradient_penalty(
                score, batch["image"], fake, mixing
            )
            loss = adversarial.wasserstein_discriminator(
                score(batch["image"]), score(fake), penalties
            )
            scaled = self._discriminator_optimizer.scale_loss(loss)
        _apply(tape, scaled, self._discriminator, self._discriminator_optimizer)

        noise = {deepprivacy.NOISE: second}
        with tf.GradientTape() as tape:
            fake = self._generator({**given, **noise}, training=True)
            generator_loss = adversarial.wasserstein_generator(score(fake))
            scaled = self._generator_optimizer.scale_loss(generator_loss)
        _apply(tape, scaled, self._generator, self._generator_optimizer)
        return {
            "total": loss,
            "penalty": tf.reduce_sum(penalties),
            "generator": generator_loss,
        }

    def learning_rate(self) -> float:
        """Return the rate of both networks."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> keras.Model:
        """Return the generator to anonymize with: the running average."""
        averages = [v for v in self._generator_optimizer.variables if _is_average(v)]
        variables = self._average.trainable_variables
        for variable, value in zip(variables, averages, strict=True):
            variable.assign(np.asarray(value))
        return self._average

    def picture(self, batch: Batch) -> np.ndarray:
        """Return the sample faces: as they are, hidden, and painted anew."""
        noise = tf.zeros([len(self._samples["image"]), *NOISE_SHAPE])
        inputs = {**_given(self._samples), deepprivacy.NOISE: noise}
        painted = self.final_generator()(inputs, training=False)
        return sample_sheet(self._samples, painted)


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


def _given(batch):
    """Return what both networks are told of a batch of faces (`data.crops`)."""
    count = 2 * deepprivacy.NUM_KEYPOINTS
    return {
        deepprivacy.CONDITION: batch["condition"],
        deepprivacy.POSE: tf.reshape(batch["points"], [-1, count]),
    }


def _is_average(variable):
    return variable.name.endswith("_average")


def _apply(tape, loss, model, optimizer):
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
