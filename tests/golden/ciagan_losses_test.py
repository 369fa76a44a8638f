"""CIAGAN's losses and gradients against the published ones (ciagan.md, section 7)."""

import ciagan_networks as networks
import golden_gradients
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import importer
from safefakes_tf.anonymizers.ciagan import losses as ciagan_losses
from safefakes_tf.anonymizers.ciagan import network as ciagan

TOLERANCE = 2e-3
PRECISION = "float64"  # as the reference: norms over two images cost three digits


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("ciagan_losses")


def test_least_squares(arrays):
    got = [ciagan_losses.least_squares(arrays["pred"], target) for target in (1.0, 0.0)]
    np.testing.assert_allclose(got, arrays["lsgan_real_fake"], rtol=1e-5)


def test_contrastive(arrays):
    embeddings, others = tf.constant(arrays["emb1"]), tf.constant(arrays["emb2"])
    same = tf.constant(arrays["same"])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        loss = ciagan_losses.contrastive(embeddings, others, same)
    np.testing.assert_allclose(loss, arrays["contrastive"], rtol=1e-5)
    gradient = tape.gradient(loss, embeddings)[:, :8]
    expected = arrays["contrastive_grad_emb1_8"]
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)
    pairs = [
        ciagan_losses.contrastive(embeddings[n : n + 1], others[n : n + 1], same[n])
        for n in range(len(same))
    ]
    np.testing.assert_allclose(pairs, arrays["contrastive_per_pair"], rtol=1e-5)


@pytest.fixture(scope="module")
def method(arrays):
    """Return the three networks and one batch, after one power iteration."""
    salt = str(arrays["weights_salt"])
    generator = networks.build("generator", f"{salt}G/", PRECISION)
    critic = networks.build("critic", f"{salt}D/", PRECISION)
    identity = networks.build("identity", f"{salt}S/", PRECISION)
    keys = ("face", "landmark_image", "mask", "target_face")
    face, landmarks, mask, target = (
        tf.constant(networks.nhwc(arrays[key]), PRECISION) for key in keys
    )
    inputs = {
        "landmarks": landmarks,
        "face": face * (1 - mask),
        "identity": tf.one_hot(arrays["ids"], 1200),
    }
    generator(inputs, training=True)
    critic({"image": face, "landmarks": landmarks}, training=True)
    return {
        "generator": generator,
        "critic": lambda image: critic({"image": image, "landmarks": landmarks}),
        "critic_model": critic,
        "identity": identity,
        "fake": lambda: ciagan.composite(generator(inputs), face, mask),
        "face": face,
        "target": target,
    }


def assert_gradients(arrays, key, model, gradients):
    variables = importer.reference_variables(model)
    gradients = golden_gradients.by_name(variables, model, gradients)
    assert golden_gradients.compare(arrays, key, gradients, TOLERANCE) > 10


def test_critic_step(arrays, method):
    fake = method["fake"]()
    expected = networks.nhwc(arrays["fake"])
    np.testing.assert_allclose(fake, expected, atol=1e-3)
    with tf.GradientTape() as tape:
        scores = method["critic"](fake), method["critic"](method["face"])
        losses = [
            ciagan_losses.least_squares(score, target)
            for score, target in zip(scores, (0.0, 1.0), strict=True)
        ]
        total = sum(losses)
    np.testing.assert_allclose(losses, arrays["critic_fake_real"], rtol=TOLERANCE)
    for score, key in zip(scores, ("fake", "real"), strict=True):
        np.testing.assert_allclose(score, arrays[f"critic_scores_{key}"], rtol=1e-4)
    critic = method["critic_model"]
    gradients = tape.gradient(total, critic.trainable_variables)
    assert_gradients(arrays, "gradD", critic, gradients)


def test_generator_step(arrays, method):
    identity = method["identity"]
    with tf.GradientTape(persistent=True) as tape:
        fake = method["fake"]()
        real_enough = ciagan_losses.least_squares(method["critic"](fake), 1.0)
        wanted = ciagan_losses.contrastive(
            identity(fake, training=True),
            identity(method["target"], training=True),
            tf.ones([len(fake)], PRECISION),
        )
    got = [real_enough, wanted]
    np.testing.assert_allclose(got, arrays["generator_gan_siamese"], rtol=TOLERANCE)
    generator = method["generator"]
    for key, loss in (("gradGgan", real_enough), ("gradGsiam", wanted)):
        if any(name.startswith(key) for name in arrays):
            gradients = tape.gradient(loss, generator.trainable_variables)
            assert_gradients(arrays, key, generator, gradients)


def test_identity_step(arrays, method):
    identity = method["identity"]
    with tf.GradientTape() as tape:
        loss = ciagan_losses.contrastive(
            identity(method["face"], training=True),
            identity(method["target"], training=True),
            tf.constant([1.0, 0.0], PRECISION),
        )
    np.testing.assert_allclose(loss, arrays["siamese_loss"], rtol=TOLERANCE)
    gradients = tape.gradient(loss, identity.trainable_variables)
    assert_gradients(arrays, "gradS", identity, gradients)
