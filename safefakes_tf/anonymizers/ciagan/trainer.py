"""Training of CIAGAN: one judge asks for a photo, the other for another person."""

import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import losses as ciagan_losses
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.training import optimizers
from safefakes_tf.training.sample_sheet import sample_sheet

Batch = dict[str, tf.Tensor]
JUDGES_PAIRS = 3  # per round: one for the identity network, two for the critic


class CiaganTrainer:
    """A generator, its two judges and their optimizers; see `loop.Trainer`.

    Args:
        generator, critic, identity_network: from `models.ciagan`, built under the
            strategy's scope.
        generator_optimizer, critic_optimizer, identity_optimizer: built here.
        samples: a batch of a few pairs, of which pictures are drawn.
        identity_weight: of the generator's identity loss, >= 0; published: 1.

    A round is one step of each judge and some of the generator, each on new pairs.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        identity_network: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
        identity_optimizer: keras.optimizers.Optimizer,
        samples: Batch,
        identity_weight: float,
    ):
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
        self._samples = samples
        self._identity_weight = identity_weight

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Go one round: the identity network, the critic, then the generator.

        Args:
            batch: see `data.pairs`, with `JUDGES_PAIRS` pairs per element, and one for
                each step of the generator.

        Returns:
            Of the last step of the generator "adversarial", "identity" and their
            weighted sum "total"; the losses "critic" and "identity_network". Their sums
            over the replicas are the global figures.

        Source: ciagan.md, section 7.
        """
        first, second, third, *others = (
            {name: value[:, number] for name, value in batch.items()}
            for number in range(batch["same"].shape[1])
        )
        identity_loss = self._move_identity_network(first)
        critic_loss = self._move_critic(second, third)
        for pairs in others:
            losses = self._move_generator(pairs)
        return {**losses, "critic": critic_loss, "identity_network": identity_loss}

    def learning_rate(self) -> float:
        """Return the generator's rate."""
        return float(np.asarray(self._generator_optimizer.learning_rate))

    def final_generator(self) -> keras.Model:
        """Return the generator to anonymize with: the last one."""
        return self._generator

    def picture(self, batch: Batch) -> np.ndarray:
        """Return the sample faces: as they are, hidden, and painted anew."""
        pairs = {name: value[:, 0] for name, value in self._samples.items()}
        hidden = pairs["face"] * (1 - pairs["mask"])
        shown = {"image": 2 * pairs["face"] - 1, "condition": 2 * hidden - 1}
        return sample_sheet(shown, 2 * self._paint(pairs, training=False) - 1)

    def _move_identity_network(self, pairs):
        with tf.GradientTape() as tape:
            loss = ciagan_losses.contrastive(
                self._identity_network(pairs["face"], training=True),
                self._identity_network(pairs["other_face"], training=True),
                pairs["same"],
            )
            loss /= _replicas()
            scaled = self._identity_optimizer.scale_loss(loss)
        optimizers.descend(
            tape, scaled, self._identity_network, self._identity_optimizer
        )
        return loss

    def _move_critic(self, painted, real):
        fake = self._paint(painted)
        with tf.GradientTape() as tape:
            loss = ciagan_losses.least_squares(self._score(fake, painted), 0.0)
            loss += ciagan_losses.least_squares(self._score(real["face"], real), 1.0)
            loss /= _replicas()
            scaled = self._critic_optimizer.scale_loss(loss)
        optimizers.descend(tape, scaled, self._critic, self._critic_optimizer)
        return loss

    def _move_generator(self, pairs):
        wanted = self._identity_network(pairs["other_face"], training=True)
        with tf.GradientTape() as tape:
            fake = self._paint(pairs)
            losses = {
                "adversarial": ciagan_losses.least_squares(
                    self._score(fake, pairs), 1.0
                ),
                "identity": ciagan_losses.contrastive(
                    self._identity_network(fake, training=True),
                    wanted,
                    tf.ones_like(pairs["same"]),
                ),
            }
            losses = {name: value / _replicas() for name, value in losses.items()}
            identity = self._identity_weight * losses["identity"]
            losses["total"] = losses["adversarial"] + identity
            scaled = self._generator_optimizer.scale_loss(losses["total"])
        optimizers.descend(tape, scaled, self._generator, self._generator_optimizer)
        return losses

    def _paint(self, pairs, training=True):
        """Return the first faces of pairs with the identity of the second."""
        face, mask = pairs["face"], pairs["mask"]
        identities = self._generator.get_layer(ciagan.IDENTITY).output.shape[1]
        inputs = {
            ciagan.LANDMARKS: pairs["landmarks"],
            ciagan.FACE: face * (1 - mask),
            ciagan.IDENTITY: tf.one_hot(pairs["identity"], identities),
        }
        painted = self._generator(inputs, training=training)
        return ciagan.composite(painted, face, mask)

    def _score(self, image, pairs):
        inputs = {ciagan.IMAGE: image, ciagan.LANDMARKS: pairs["landmarks"]}
        return tf.cast(self._critic(inputs, training=True), image.dtype)


def _replicas():
    return tf.distribute.get_replica_context().num_replicas_in_sync
