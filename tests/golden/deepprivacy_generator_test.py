"""DeepPrivacy's generator against the published one (deepprivacy.md, section 13)."""

import deepprivacy_networks as networks
import keras
import numpy as np
import pytest

from safefakes_tf.anonymizers.deepprivacy.network import PoseMaps

TOLERANCE = 2e-4
MIDDLE = {  # layer -> reference module
    "from_rgb_128_norm": "from_rgb_new",
    "encoder_128_2_norm": "new_down",
    "encoder_64_2_norm": "core_blocks_down.0",
    "encoder_32_2_norm": "core_blocks_down.1",
    "encoder_16_2_norm": "core_blocks_down.2",
    "encoder_8_2_norm": "core_blocks_down.3",
    "encoder_4_2_norm": "core_blocks_down.4",
    "decoder_8_up": "core_blocks_up.0",
    "decoder_16_up": "core_blocks_up.1",
    "decoder_32_up": "core_blocks_up.2",
    "decoder_64_up": "core_blocks_up.3",
    "decoder_128_up": "core_blocks_up.4",
    "decoder_128_2_norm": "new_up",
}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("deepprivacy_generator")


def inputs(arrays, case, rows=slice(None)):
    return {
        "condition": networks.nhwc(arrays[f"{case}_condition"][rows]),
        "pose": arrays[f"{case}_pose"][rows],
        "noise": networks.nhwc(arrays[f"{case}_z"][rows]),
    }


def thinned(maps):
    maps = np.asarray(maps).transpose(0, 3, 1, 2)
    step, stride = max(1, maps.shape[1] // 16), max(1, maps.shape[2] // 8)
    return maps[:, ::step, ::stride, ::stride]


def test_large_generator_and_every_stage_of_it(arrays):
    salt = str(arrays["weights_salt"])
    model = networks.generator(salt, 512, 128, fading=False)
    layers = [model.get_layer(name).output for name in MIDDLE]
    probe = keras.Model(model.input, [model.output, *layers])
    result, *middle = probe(inputs(arrays, "large"))
    for reference, maps in zip(MIDDLE.values(), middle, strict=True):
        expected = arrays[f"mid_{reference}"]
        np.testing.assert_allclose(
            thinned(maps), expected, atol=TOLERANCE, err_msg=reference
        )
    expected = networks.nhwc(arrays["large_out"])
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


def test_default_generator(arrays):
    model = networks.generator(str(arrays["weights_salt"]), 256, 128, fading=False)
    result = model(inputs(arrays, "large", slice(1)))
    expected = networks.nhwc(arrays["default_out"])
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


@pytest.fixture(scope="module")
def fading(arrays):
    return networks.generator(str(arrays["weights_salt"]), 512, 32, fading=True)


@pytest.mark.parametrize("transition", ["0.0", "0.3", "1.0"])
def test_fade_in(arrays, fading, transition):
    faded = np.full([2, 1], float(transition), np.float32)
    result = fading({**inputs(arrays, "trans"), "transition": faded})
    expected = networks.nhwc(arrays[f"trans_out_t{transition}"])
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


@pytest.mark.parametrize("side", [4, 8, 16, 32, 64, 128])
def test_pose_maps(arrays, side):
    maps = PoseMaps(side)(arrays["pose_maps_in"])
    np.testing.assert_array_equal(maps, networks.nhwc(arrays[f"pose_maps_{side}"]))
