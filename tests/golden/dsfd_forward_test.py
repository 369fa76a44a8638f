"""The full-size network against the published one's outputs (dsfd.md, section 16)."""

import dataclasses

import golden_weights
import keras
import numpy as np
import pytest

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import importer, vgg16
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.importers.parameters import reference_shape

TOLERANCE = 1e-4
CASES = ("a", "b", "c", "d")
GAINS = (10.0, 8.0, 5.0)
BACKBONE = ("conv3_3", "conv4_3", "conv5_3", "fc7", "conv6_2", "conv7_2")
MERGED = ("conv3", "conv4", "conv5", "convfc7_2", "conv6", "conv7")


def intermediate_layers():
    """Return {golden name: layer name}."""
    layers = {f"of{i}": name for i, name in enumerate(BACKBONE, start=1)}
    for level, name in enumerate(MERGED, start=1):
        layers[f"fpn_{name}"] = f"merged_{level}" if level < 6 else "top_down_6"
        layers[f"ef{level}"] = f"enhanced_{level}"
    for level in range(1, 4):
        layers[f"l2of{level}"] = f"first_shot_norm_{level}"
        layers[f"l2ef{level}"] = f"second_shot_norm_{level}"
    return layers


def golden_parameter(salt, name, shape):
    if name.startswith("L2Norm"):
        gain = GAINS[int(name.split(".")[0][-1]) - 1]
        return golden_weights.fill(salt, name, shape, "scaled_norm_weight", gain)
    kind = "bias" if name.endswith(".bias") else "conv"
    return golden_weights.fill(salt, name, shape, kind)


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("dsfd_forward")


@pytest.fixture(scope="module")
def parameters(arrays):
    model = dsfd.build_dsfd(DetectorConfig())
    return {
        name: golden_parameter(
            str(arrays["weights_salt"]), name, reference_shape(variable)
        )
        for name, variable in importer.reference_variables(model).items()
    }


@pytest.fixture(scope="module")
def run(parameters):
    """Return a function: upsampling -> network from centred pixels to all maps."""
    networks = {}

    def network(upsampling):
        if upsampling not in networks:
            config = dataclasses.replace(DetectorConfig(), upsampling=upsampling)
            model = dsfd.build_dsfd(config)
            importer.load_reference(model, parameters)
            maps = {
                name: model.get_layer(layer).output
                for name, layer in intermediate_layers().items()
            }
            # The goldens' inputs are small numbers, not pixels; adding the mean would
            # cost them digits.
            centred = model.get_layer("subtract_mean").output
            networks[upsampling] = keras.Model(centred, {**model.output, "maps": maps})
        return networks[upsampling]

    return network


@pytest.fixture(scope="module")
def outputs(arrays, run):
    """Return a function: case, upsampling -> outputs and maps, computed once."""
    results = {}

    def compute(case, upsampling):
        if (case, upsampling) not in results:
            photos = arrays[f"{case}_input"].transpose(0, 2, 3, 1)
            results[case, upsampling] = run(upsampling)(photos, training=False)
        return results[case, upsampling]

    return compute


def test_parameters_have_the_fingerprints(arrays, parameters):
    assert set(parameters) == set(arrays["weight_names"].tolist())
    for name, total, first in zip(
        arrays["weight_names"],
        arrays["weight_sums"],
        arrays["weight_first"],
        strict=True,
    ):
        value = parameters[str(name)]
        assert value.flat[0] == first, name
        np.testing.assert_allclose(
            value.sum(dtype=np.float64), total, rtol=1e-9, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("shot", "key"), [("first_shot", "s1"), ("second_shot", "s2")])
def test_outputs(arrays, outputs, case, shot, key):
    got = outputs(case, "align_corners")[shot]
    for kind, name in (("boxes", "loc"), ("logits", "conf")):
        expected = arrays[f"{case}_{key}_{name}"]
        assert got[kind].shape == expected.shape
        assert golden_weights.relative_error(got[kind], expected) <= TOLERANCE


@pytest.mark.parametrize("case", CASES)
def test_half_pixel_outputs(arrays, outputs, case):
    got = outputs(case, "half_pixel")["second_shot"]
    for kind, name in (("boxes", "loc"), ("logits", "conf")):
        expected = arrays[f"{case}_s2_{name}_halfpixel"]
        assert golden_weights.relative_error(got[kind], expected) <= TOLERANCE


@pytest.mark.parametrize("name", sorted(intermediate_layers()))
def test_intermediate_maps(arrays, outputs, name):
    cases = [case for case in CASES if f"{case}_inter_{name}_sub" in arrays]
    assert cases
    for case in cases:
        maps = outputs(case, "align_corners")["maps"][name].numpy()
        maps = maps.transpose(0, 3, 1, 2)
        key = f"{case}_inter_{name}"
        assert maps.shape == tuple(arrays[f"{key}_shape"])
        channels, rows, columns = arrays[f"{key}_stride"]
        part = maps[:, ::channels, ::rows, ::columns]
        assert golden_weights.relative_error(part, arrays[f"{key}_sub"]) <= TOLERANCE
        mean, rms, largest = arrays[f"{key}_stats"]
        np.testing.assert_allclose(
            [maps.mean(), np.sqrt(np.mean(maps**2)), np.abs(maps).max()],
            [mean, rms, largest],
            rtol=TOLERANCE,
            atol=TOLERANCE * largest,
        )


@pytest.mark.parametrize("case", CASES)
def test_anchors_belong_to_the_outputs(arrays, case):
    height, width = arrays[f"{case}_input"].shape[2:]
    sizes = anchor_ops.feature_map_sizes(height, width)
    np.testing.assert_array_equal(sizes, arrays[f"{case}_feature_maps"])
    for shot, key in (("first_shot", "s1"), ("second_shot", "s2")):
        sums = (
            anchor_ops.anchors(height, width, shot)
            .numpy()
            .sum(axis=0, dtype=np.float64)
        )
        np.testing.assert_allclose(sums, arrays[f"{case}_{key}_priors_sum"], rtol=1e-9)


def test_preprocessing_is_exact(arrays):
    centred = vgg16.SubtractMean("rgb")(arrays["pre_rgb_uint8_hwc"][None])[0]
    np.testing.assert_array_equal(
        centred.numpy().transpose(2, 0, 1), arrays["pre_out_chw"]
    )
