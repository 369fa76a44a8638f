"""Sun2018 against the transcription of its specification (sun2018.md, section 7)."""

import golden_gradients
import keras
import numpy as np
import pytest
import sun2018_networks as networks
import tensorflow as tf

from safefakes_tf.anonymizers.sun2018 import importer
from safefakes_tf.anonymizers.sun2018 import losses as sun2018_losses
from safefakes_tf.anonymizers.sun2018 import network as sun2018

GENERATOR, LOGITS, GRADIENTS = 5e-4, 1e-3, 2e-3
SIDE = 128


def thinned(maps):
    maps = np.asarray(maps).transpose(0, 3, 1, 2)
    step, stride = max(1, maps.shape[1] // 16), max(1, maps.shape[2] // 8)
    return maps[:, ::step, ::stride, ::stride]


def test_keypoint_maps(golden):
    arrays = golden("sun2018_generator")
    maps = sun2018.keypoint_maps(arrays["landmarks"][:2], SIDE)
    expected = networks.nhwc(arrays["heatmaps"]).astype(np.float32) * 2 - 1
    np.testing.assert_array_equal(maps, expected)


def test_generator(golden):
    arrays = golden("sun2018_generator")
    model = networks.generator(str(arrays["weights_salt"]))
    names = [f"enc{n}" for n in range(5)] + [f"dec{n}" for n in range(5)]
    layers = [model.get_layer(name).output for name in (*names, "fc_in")]
    probe = keras.Model(model.input, [model.output, *layers])
    result, *middle, narrow = probe(
        {
            "condition": tf.constant(networks.nhwc(arrays["masked_image"])),
            "keypoint_maps": sun2018.keypoint_maps(arrays["landmarks"], SIDE),
        }
    )
    for name, maps in zip(names, middle, strict=True):
        expected = arrays[f"mid_{name}"]
        np.testing.assert_allclose(
            thinned(maps), expected, atol=GENERATOR, err_msg=name
        )
    np.testing.assert_allclose(narrow, arrays["mid_z"], atol=GENERATOR)
    expected = networks.nhwc(arrays["out"])
    np.testing.assert_allclose(result, expected, atol=GENERATOR)


def test_discriminator(golden):
    arrays = golden("sun2018_discriminator")
    model = networks.discriminator(str(arrays["weights_salt"]))
    names = [f"conv{n}" for n in range(1, 5)]
    layers = [model.get_layer(f"{name}_relu").output for name in names]
    probe = keras.Model(model.input, [model.output, *layers])
    images = np.concatenate([arrays["real"], arrays["fake"]])
    logits, *middle = probe(networks.nhwc(images))
    for name, maps in zip(names, middle, strict=True):
        np.testing.assert_allclose(
            thinned(maps), arrays[f"mid_{name}"], atol=LOGITS, err_msg=name
        )
    np.testing.assert_allclose(logits[:, 0], arrays["logits"], atol=LOGITS)


@pytest.fixture(scope="module")
def losses(golden):
    """Return golden arrays, both networks, the losses and the gradients of a batch."""
    arrays = golden("sun2018_losses")
    salt = str(arrays["weights_salt"])
    generator = networks.generator(f"{salt}G/")
    discriminator = networks.discriminator(f"{salt}D/")
    real = tf.constant(networks.nhwc(arrays["image"]))
    mask = np.zeros([len(real), SIDE, SIDE, 1], np.float32)
    for row, (left, top, right, bottom) in enumerate(arrays["boxes"]):
        mask[row, top:bottom, left:right] = 1

    with tf.GradientTape(persistent=True) as tape:
        fake = generator(
            {
                "condition": tf.constant(networks.nhwc(arrays["masked_image"])),
                "keypoint_maps": sun2018.keypoint_maps(arrays["landmarks"], SIDE),
            }
        )
        logits = discriminator(tf.concat([real, fake], axis=0))
        real_logits, fake_logits = tf.split(logits, 2)
        of_generator = sun2018_losses.cross_entropy_generator(
            fake_logits, fake, real, mask
        )
        of_discriminator = sun2018_losses.cross_entropy_discriminator(
            real_logits, fake_logits
        )
    gradients = {
        "G": tape.gradient(of_generator["total"], generator.trainable_variables),
        "D": tape.gradient(of_discriminator, discriminator.trainable_variables),
    }
    figures = {
        "fake": fake,
        "g_adv": of_generator["adversarial"],
        "g_total": of_generator["total"],
        "d_loss": of_discriminator,
        "d_logits": logits[:, 0],
    }
    return arrays, {"G": generator, "D": discriminator}, figures, gradients


def test_losses(losses):
    arrays, _, figures, _ = losses
    expected = networks.nhwc(arrays["fake"])
    np.testing.assert_allclose(figures.pop("fake"), expected, atol=GENERATOR)
    for name, value in figures.items():
        np.testing.assert_allclose(
            value, arrays[name], rtol=GRADIENTS, atol=LOGITS, err_msg=name
        )


@pytest.mark.parametrize("key", ["G", "D"])
def test_gradients(losses, key):
    arrays, models, _, gradients = losses
    variables = importer.reference_variables(models[key])
    of = golden_gradients.by_name(variables, models[key], gradients[key])
    assert golden_gradients.compare(arrays, f"grad{key}", of, GRADIENTS) > 5
