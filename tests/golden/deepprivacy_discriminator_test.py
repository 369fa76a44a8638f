"""DeepPrivacy's discriminator against the published one (deepprivacy.md, 13)."""

import deepprivacy_networks as networks
import keras
import numpy as np
import pytest
from deepprivacy_generator_test import thinned

SCORES, MAPS = 5e-5, 2e-4
MIDDLE = {  # layer -> reference module
    "from_rgb_128_relu": "from_rgb_new",
    "block_128_down": "new_block",
    "block_64_down": "core_model.0",
    "block_32_down": "core_model.1",
    "block_16_down": "core_model.2",
    "block_8_down": "core_model.3",
    "block_4_2_relu": "core_model.4",
}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("deepprivacy_discriminator")


def inputs(arrays, case):
    return {
        "image": networks.nhwc(arrays[f"{case}_image"]),
        "condition": networks.nhwc(arrays[f"{case}_condition"]),
        "pose": arrays[f"{case}_pose"],
    }


def test_large_discriminator_and_every_stage_of_it(arrays):
    salt = str(arrays["weights_salt"])
    model = networks.discriminator(salt, 512, 128, fading=False)
    layers = [model.get_layer(name).output for name in MIDDLE]
    probe = keras.Model(model.input, [model.output, *layers])
    score, *middle = probe(inputs(arrays, "large"))
    for reference, maps in zip(MIDDLE.values(), middle, strict=True):
        expected = arrays[f"mid_{reference}"]
        np.testing.assert_allclose(
            thinned(maps), expected, atol=MAPS, err_msg=reference
        )
    np.testing.assert_allclose(score, arrays["large_score"], atol=SCORES)


def test_default_discriminator(arrays):
    model = networks.discriminator(str(arrays["weights_salt"]), 256, 128, fading=False)
    score = model(inputs(arrays, "large"))
    np.testing.assert_allclose(score, arrays["default_score"], atol=SCORES)


@pytest.fixture(scope="module")
def fading(arrays):
    return networks.discriminator(str(arrays["weights_salt"]), 512, 32, fading=True)


@pytest.mark.parametrize("transition", ["0.0", "0.3", "1.0"])
def test_fade_in(arrays, fading, transition):
    faded = np.full([3, 1], float(transition), np.float32)
    score = fading({**inputs(arrays, "trans"), "transition": faded})
    expected = arrays[f"trans_score_t{transition}"]
    np.testing.assert_allclose(score, expected, atol=SCORES)
