"""Training of CIAGAN: a face that a critic and an identity network accept."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import losses as ciagan_losses
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import CiaganConfig, TrainAnonymizer
from safefakes_tf.training import image_summary, optimizers
from safefakes_tf.training.batches import PairBatch
from safefakes_tf.training.diff_augment import Augmentation

BETAS = (0.5, 0.999)
DISCRIMINATOR_PAIRS = 3  # per round: one for the identity network, two for the critic


def pairs_per_round(settings: TrainAnonymizer) -> int:
    """Return how many pairs each element of a batch has: those of one round."""
    return DISCRIMINATOR_PAIRS + settings.gan.generator_steps


def stages(settings: TrainAnonymizer) -> list[Stage]:
    """Return the only stage of a training; a pair counts as an image."""
    rounds = -(-settings.gan.total_images // pairs_per_round(settings))
    return [Stage(settings.network.resolution, rounds)]


class CiaganTrainer:
    """A generator, its discriminators and their optimizers; see `loop.Trainer`.

    A round is one step of the identity network, one of the critic, and some of the
    generator, each on new pairs.

    Args:
        settings: of the training.
        dataset: of its only stage; the image summaries show its first faces.
    """

    compiles = False
    optimizes = False

    def __init__(self, settings: TrainAnonymizer, dataset: tf.data.Dataset, *_: object):
        gan, precision = settings.gan, settings.loop.mixed_precision
        generator = ciagan.build_generator(settings.network)
        critic = ciagan.build_critic(settings.network)
        identity_network = ciagan.build_identity_network(settings.network)
        generator_optimizer, critic_optimizer, identity_optimizer = (
            optimizers.create_adam(rate, BETAS, precision)
            for rate in (
                gan.generator_learning_rate,
                gan.discriminator_learning_rate,
                gan.discriminator_learning_rate,
            )
        )
        generator_optimizer.build(generator.trainable_variables)
        critic_optimizer.build(critic.trainable_variables)
        identity_optimizer.build(identity_network.trainable_variables)
        self.items = {
            "generator": generator,
            "critic": critic,
            "identity_network": identity_network,
            "generator_optimizer": generator_optimizer,
            "critic_optimizer": critic_optimizer,
            "identity_optimizer": identity_optimizer,
        }
        self._generator, self._critic = generator, critic
        self._identity_network = identity_network
        self._generator_optimizer = generator_optimizer
        self._critic_optimizer = critic_optimizer
        self._identity_optimizer = identity_optimizer
        self._samples = image_summary.first_samples(dataset)
        self._network = settings.network
        self._augmentation = gan.augmentation
        self._identity_weight = gan.identity_weight

    def train_step(self, batch: PairBatch) -> dict[str, tf.Tensor]:
        """Go one round: the identity network, the critic, then the generator.

        Args:
            batch: with `pairs_per_round` pairs per element.

        Returns:
            Of the last step of the generator "adversarial", "identity" and their
            weighted sum "total"; the losses "critic" and "identity_network". Their sums
            over the replicas are the global metrics.

        Source: ciagan.md, section 7.
        """
        first, second, third = (
            _pairs(batch, number) for number in range(DISCRIMINATOR_PAIRS)
        )
        identity_loss = self._move_identity_network(first)
        critic_loss = self._move_critic(second, third)
        losses = self._move_generator_often(batch)
        return {**losses, "critic": critic_loss, "identity_network": identity_loss}

    def learning_rate(self) -> float:
        """Return the generator's learning rate."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> tuple[CiaganConfig, keras.Model]:
        """Return the generator to anonymize with: the last one.

        It knows the identities of the data set alone: of others it has learnt nothing.
        """
        network = dataclasses.replace(
            self._network, num_identities=int(self._samples.num_identities[0, 0])
        )
        generator = ciagan.build_generator(network)
        ciagan.copy_first_identities(self._generator, generator)
        return network, generator

    def image_summary(self, batch: PairBatch) -> np.ndarray:
        """Return the samples: as they are, masked, and generated."""
        pairs = PairBatch(*(value[:, 0] for value in self._samples))
        shown = (
            pairs.face,
            pairs.face * (1 - pairs.mask),
            self._generate(pairs, training=False),
        )
        return image_summary.sample_sheet(*(2 * images - 1 for images in shown))

    def _move_identity_network(self, pairs):
        # Two calls: its norms look at the whole batch, one of faces at a time.
        with tf.GradientTape() as tape:
            loss = ciagan_losses.contrastive(
                self._identity_network(pairs.face, training=True),
                self._identity_network(pairs.other_face, training=True),
                pairs.same,
            )
            loss /= _replicas()
            scaled = self._identity_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._identity_network, self._identity_optimizer
        )
        return loss

    def _move_critic(self, generated, real):
        faces = tf.concat([self._generate(generated), real.face], axis=0)
        pairs = PairBatch(
            *(tf.concat(both, axis=0) for both in zip(generated, real, strict=True))
        )
        with tf.GradientTape() as tape:
            # One call: without norms, no image has a say in the score of another.
            fake_scores, real_scores = tf.split(self._score(faces, pairs), 2)
            loss = ciagan_losses.least_squares(fake_scores, 0.0)
            loss += ciagan_losses.least_squares(real_scores, 1.0)
            loss /= _replicas()
            scaled = self._critic_optimizer.scale_loss(loss)
        optimizers.descend(tape, scaled, self._critic, self._critic_optimizer)
        return loss

    def _move_generator_often(self, batch):
        """Move it by all pairs that are left; return the losses of the last step."""

        def move(number, _):
            return number + 1, self._move_generator(_pairs(batch, number))

        count = batch.same.shape[1]
        if count == DISCRIMINATOR_PAIRS + 1 or _replicas() > 1:
            # Replicas cannot wait for each other inside of a loop of TensorFlow's.
            for number in range(DISCRIMINATOR_PAIRS, count):
                _, losses = move(number, None)
            return losses
        names = "adversarial", "identity", "total"
        start = (
            DISCRIMINATOR_PAIRS,
            dict.fromkeys(names, tf.zeros([], batch.face.dtype)),
        )
        _, losses = tf.while_loop(
            lambda number, _: number < count,
            move,
            start,
            parallel_iterations=1,
            maximum_iterations=count - DISCRIMINATOR_PAIRS,
        )
        return losses

    def _move_generator(self, pairs):
        wanted = self._identity_network(pairs.other_face, training=True)
        with tf.GradientTape() as tape:
            fake = self._generate(pairs)
            losses = {
                "adversarial": ciagan_losses.least_squares(
                    self._score(fake, pairs), 1.0
                ),
                "identity": ciagan_losses.contrastive(
                    self._identity_network(fake, training=True),
                    wanted,
                    tf.ones_like(pairs.same),
                ),
            }
            losses = {name: value / _replicas() for name, value in losses.items()}
            identity = self._identity_weight * losses["identity"]
            losses["total"] = losses["adversarial"] + identity
            scaled = self._generator_optimizer.scale_loss(losses["total"])
        optimizers.descend(tape, scaled, self._generator, self._generator_optimizer)
        return losses

    def _generate(self, pairs, training=True):
        """Return the first faces of pairs with the identity of the second."""
        face, mask = pairs.face, pairs.mask
        identities = self._generator.get_layer(ciagan.IDENTITY).output.shape[1]
        inputs = {
            ciagan.LANDMARKS: pairs.landmarks,
            ciagan.FACE: face * (1 - mask),
            ciagan.IDENTITY: tf.one_hot(pairs.identity, identities),
        }
        generated = self._generator(inputs, training=training)
        return ciagan.composite(generated, face, mask)

    def _score(self, image, pairs):
        augmentation = Augmentation(self._augmentation, pairs.seed, image.shape[1])
        (shown,) = augmentation.pictures(image, half_range=0.5)
        landmarks = augmentation.maps(pairs.landmarks)
        inputs = {ciagan.IMAGE: shown, ciagan.LANDMARKS: landmarks}
        return tf.cast(self._critic(inputs, training=True), image.dtype)


def _pairs(batch, number):
    """Return one pair of each element of a batch."""
    return PairBatch(*(tf.gather(values, number, axis=1) for values in batch))


def _replicas():
    return tf.distribute.get_replica_context().num_replicas_in_sync
