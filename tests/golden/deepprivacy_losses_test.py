"""DeepPrivacy's losses, gradients and first step (deepprivacy.md, sections 9, 13)."""

import deepprivacy_networks as networks
import golden_gradients
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy import importer
from safefakes_tf.anonymizers.deepprivacy import losses as deepprivacy_losses
from safefakes_tf.training import optimizers

CHANNELS, RESOLUTION, TRANSITION = 64, 32, 0.3
GRADIENTS, METRICS = 1e-3, 1e-4
RATE, BETAS, EPSILON = 0.00175, (0.0, 0.99), 1e-8


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("deepprivacy_losses")


class Method:
    """Both networks, and one batch."""

    def __init__(self, arrays):
        salt = str(arrays["weights_salt"])
        shape = (CHANNELS, RESOLUTION, True)
        self.generator = networks.generator(f"{salt}G/", *shape)
        self.discriminator = networks.discriminator(f"{salt}D/", *shape)
        self.real = tf.constant(networks.nhwc(arrays["image"]))
        self.shared = {
            "condition": tf.constant(networks.nhwc(arrays["condition"])),
            "pose": tf.constant(arrays["pose"]),
            "transition": tf.fill([len(arrays["pose"]), 1], TRANSITION),
        }
        self.noise = {k: networks.nhwc(arrays[f"z_{k}"]) for k in "dg"}
        self.mixing = tf.constant(arrays["epsilon"])

    def fake(self, network):
        noise = tf.constant(self.noise[network])
        return self.generator({**self.shared, "noise": noise})

    def score(self, image):
        return self.discriminator({**self.shared, "image": image})

    def discriminator_step(self):
        fake = self.fake("d")
        with tf.GradientTape() as tape:
            penalties = deepprivacy_losses.gradient_penalty(
                self.score, self.real, fake, self.mixing
            )
            real_scores, fake_scores = self.score(self.real), self.score(fake)
            loss = deepprivacy_losses.wasserstein_discriminator(
                real_scores, fake_scores, penalties
            )
        variables = self.discriminator.trainable_variables
        return tape.gradient(loss, variables), penalties, real_scores, fake_scores

    def generator_step(self):
        with tf.GradientTape() as tape:
            scores = self.score(self.fake("g"))
            loss = deepprivacy_losses.wasserstein_generator(scores)
        return tape.gradient(loss, self.generator.trainable_variables), scores


def metrics(penalties, real_scores, fake_scores, scores):
    return [
        np.mean(real_scores - fake_scores),
        np.mean(penalties),
        np.mean(real_scores),
        np.mean(scores),
        np.mean(np.square(real_scores)),
    ]


def by_name(model, values):
    variables = importer.reference_variables(model)
    return golden_gradients.by_name(variables, model, values)


def assert_gradients(arrays, key, model, gradients):
    of = by_name(model, gradients)
    assert golden_gradients.compare(arrays, key, of, GRADIENTS) == len(of)


def test_losses_and_gradients(arrays):
    method = Method(arrays)
    np.testing.assert_allclose(
        method.fake("d"), networks.nhwc(arrays["fake_d"]), atol=2e-4
    )
    gradients, *figures = method.discriminator_step()
    np.testing.assert_allclose(
        figures[0], arrays["gp_per_sample"], rtol=GRADIENTS, atol=1e-6
    )
    assert_gradients(arrays, "gradD", method.discriminator, gradients)
    gradients, scores = method.generator_step()
    assert_gradients(arrays, "gradG", method.generator, gradients)
    np.testing.assert_allclose(
        metrics(*figures, scores),
        arrays["metrics_no_update"],
        rtol=METRICS,
        atol=METRICS,
    )


def test_a_step_of_adam(arrays):
    method = Method(arrays)
    for key, model, step in (
        ("D", method.discriminator, method.discriminator_step),
        ("G", method.generator, method.generator_step),
    ):
        optimizer = optimizers.Adam(RATE, *BETAS, epsilon=EPSILON)
        gradients, *figures = step()
        optimizer.apply(gradients, model.trainable_variables)
        if key == "D":
            discriminator_figures = figures
        variables = importer.reference_variables(model)
        values = by_name(model, gradients)
        for name in [n.split(":")[1] for n in arrays if n.startswith(f"adam{key}:")]:
            gradient = values[name].ravel()
            if f"adam{key}_grad:{name}" in arrays:
                expected = arrays[f"adam{key}_grad:{name}"].ravel()
                limit = GRADIENTS * np.abs(expected).max()
                np.testing.assert_allclose(
                    gradient, expected, rtol=GRADIENTS, atol=limit, err_msg=name
                )
            sure = np.abs(gradient) >= 1e-5  # the first step is rate times the sign
            got = np.array(variables[name].value)[sure]
            stored = arrays[f"adam{key}:{name}"].ravel()[sure]
            np.testing.assert_allclose(got, stored, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(
        metrics(*discriminator_figures, *figures),
        arrays["metrics_adam"],
        rtol=METRICS,
        atol=METRICS,
    )
