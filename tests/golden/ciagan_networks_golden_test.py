"""CIAGAN's three networks against the published ones (ciagan.md, section 11)."""

import ciagan_networks as networks
import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers.ciagan import importer
from safefakes_tf.anonymizers.ciagan import network as ciagan

GENERATOR, SCORE, MAPS = 1e-3, 2e-5, 1e-3
IDENTITY = {"rtol": 1e-3, "atol": 2e-3}
GENERATOR_MAPS = {
    **{f"encoder_{level}_norm": f"in{level}_e" for level in range(5)},
    "identity_6_relu": "encode_one_hot",
    "identity_conv_2_norm": "encode_noise",
    "fuse_norm": "embed",
    "residual_1": "res1",
    "residual_4": "res4",
    **{f"decoder_{level}_norm": f"in{level}_d" for level in range(5)},
}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("ciagan_generator")


@pytest.fixture(scope="module")
def generator(arrays):
    return networks.build("generator", str(arrays["weights_salt"]))


@pytest.fixture(scope="module")
def inputs(arrays):
    face, mask = networks.nhwc(arrays["face"]), networks.nhwc(arrays["mask"])
    return {
        "landmarks": tf.constant(networks.nhwc(arrays["landmark_image"])),
        "face": tf.constant(face * (1 - mask)),
        "identity": tf.one_hot(arrays["ids"], 1200),
    }


@pytest.fixture(scope="module")
def first_call(generator, inputs):
    """Return the outputs of one call in training mode; the vectors are moved by it."""
    layers = [generator.get_layer(name).output for name in GENERATOR_MAPS]
    probe = keras.Model(generator.input, [generator.output, *layers])
    return probe(inputs, training=True)


def test_generator_and_every_stage_of_it(arrays, first_call):
    result, *middle = first_call
    for reference, maps in zip(GENERATOR_MAPS.values(), middle, strict=True):
        np.testing.assert_allclose(
            networks.thinned(maps),
            arrays[f"mid_{reference}"],
            atol=GENERATOR,
            err_msg=reference,
        )
    np.testing.assert_allclose(result, networks.nhwc(arrays["out"]), atol=GENERATOR)
    face, mask = (networks.nhwc(arrays[key]) for key in ("face", "mask"))
    composite = tf.clip_by_value(ciagan.composite(result, face, mask), 0, 1)
    expected = networks.nhwc(arrays["composite"])
    np.testing.assert_allclose(composite, expected, atol=GENERATOR)


def test_spectral_norms(arrays, generator, first_call):
    variables = importer.reference_variables(generator)
    for name, expected in zip(arrays["sigma_names"], arrays["sigma"], strict=True):
        kernel, u, v = (
            np.array(variables[f"{name}.{leaf}"].value, np.float64)
            for leaf in ("weight_orig", "weight_u", "weight_v")
        )
        sigma = v @ kernel.reshape(len(v), len(u)) @ u
        np.testing.assert_allclose(sigma, expected, rtol=1e-5, err_msg=name)


def test_stored_vectors_serve_until_the_next_training_call(
    arrays, generator, inputs, first_call
):
    expected = networks.nhwc(arrays["out"])
    np.testing.assert_allclose(generator(inputs), expected, atol=GENERATOR)
    folded = keras.models.clone_model(generator)
    folded.set_weights(generator.get_weights())
    generator_files.fold(folded)
    np.testing.assert_allclose(folded(inputs), expected, atol=GENERATOR)
    again = generator(inputs, training=True)[:1]
    expected = networks.nhwc(arrays["out_second_train_forward"])
    np.testing.assert_allclose(again, expected, atol=GENERATOR)


@pytest.fixture(scope="module")
def judges(golden):
    return golden("ciagan_discriminator")


def test_critic(judges):
    critic = networks.build("critic", str(judges["weights_salt"]))
    names = {f"block_{n}": f"conv{n}" for n in range(1, 6)} | {"dense_0": "dense0"}
    layers = [critic.get_layer(name).output for name in names]
    probe = keras.Model(critic.input, [critic.output, *layers])
    score, *middle = probe(
        {
            "image": tf.constant(networks.nhwc(judges["face"])),
            "landmarks": tf.constant(networks.nhwc(judges["landmark_image"])),
        },
        training=True,
    )
    for reference, maps in zip(names.values(), middle, strict=True):
        np.testing.assert_allclose(
            networks.thinned(maps),
            judges[f"mid_{reference}"],
            atol=MAPS,
            err_msg=reference,
        )
    np.testing.assert_allclose(score, judges["score"], atol=SCORE)


def test_identity_network(judges):
    network = networks.build("identity", str(judges["weights_salt"]))
    names = {"stem_norm": "bn1", "linear_1": "linear1"}
    names |= {f"stage_{stage}_2": f"layer{stage}" for stage in range(1, 5)}
    layers = [network.get_layer(name).output for name in names]
    probe = keras.Model(network.input, [network.output, *layers])
    faces = np.concatenate([judges["face"], judges["siam_extra_faces"]])
    faces = tf.constant(networks.nhwc(faces))
    result, *middle = probe(faces)
    for reference, maps in zip(names.values(), middle, strict=True):
        np.testing.assert_allclose(
            networks.thinned(maps),
            judges[f"siam_eval_mid_{reference}"],
            rtol=1e-3,
            atol=MAPS,
            err_msg=reference,
        )
    np.testing.assert_allclose(result, judges["siam_eval_out"], **IDENTITY)
    result = network(faces, training=True)
    np.testing.assert_allclose(result, judges["siam_train_out"], **IDENTITY)
    for layer, key, count in (
        ("stem_norm", "bn1_{}", 64),
        ("stage_4_2_b_norm", "l4_bn2_{}16", 16),
    ):
        norm = network.get_layer(layer)
        for part, variable in (
            ("mean", norm.moving_mean),
            ("var", norm.moving_variance),
        ):
            expected = judges[f"siam_after_train_{key.format(part)}"]
            np.testing.assert_allclose(variable[:count], expected, rtol=1e-3, atol=1e-5)
