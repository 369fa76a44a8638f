"""FID's Inception with the golden weights (metrics.md, section 5)."""

import golden_weights
import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.evaluation.similarity import feature_networks, inception
from safefakes_tf.importers import parameters

KINDS = {
    ".conv.weight": "conv",
    ".bn.weight": "norm_weight",
    ".bn.bias": "norm_bias",
    ".bn.running_mean": "running_mean",
    ".bn.running_var": "running_var",
}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("metrics_inception")


@pytest.fixture(scope="module")
def network(arrays):
    network = inception.build_inception()
    values = {}
    for name, variable in feature_networks.reference_variables(network).items():
        kind = next(k for suffix, k in KINDS.items() if name.endswith(suffix))
        shape = parameters.reference_shape(variable)
        salt = str(arrays["weights_salt"])
        values[name] = golden_weights.fill(salt, name, shape, kind)
    return feature_networks.load(network, "Inception", values)


@pytest.fixture(scope="module")
def crops(arrays):
    view = inception.VIEW
    return np.stack(
        [
            tf.image.resize(
                arrays[f"img{index}"], [view.side] * 2, antialias=view.antialias
            )
            for index in range(3)
        ]
    )


def test_names_and_shapes_are_those_of_the_file(arrays, network):
    expected = {
        str(line)
        for line in arrays["names"]
        if not str(line).startswith("fc.")  # which comes after the features
    }
    got = {
        f"{name} {'x'.join(map(str, parameters.reference_shape(variable)))}"
        for name, variable in feature_networks.reference_variables(network).items()
    }
    assert got == expected


def test_resizing(arrays, crops):
    expected = arrays["resized0_corner"]
    height, width = expected.shape[:2]
    got = crops[0, :height, :width] / 255.0
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_features(arrays, network, crops):
    pools = [x for x in network.layers if isinstance(x, keras.layers.MaxPooling2D)]
    halved = [x for x in pools if x.strides == (2, 2)]
    before_7a = network.get_layer("Mixed_7a.branch3x3_1.conv").input
    maps = {
        "pool64": halved[0].output,
        "pool192": halved[1].output,
        "pool768": before_7a,
    }
    means = keras.Model(
        network.input,
        {name: keras.ops.mean(x, axis=(1, 2)) for name, x in maps.items()}
        | {"pool2048": network.output},
    )
    for name, got in means(crops, training=False).items():
        np.testing.assert_allclose(
            got, arrays[name], rtol=1e-3, atol=1e-4, err_msg=name
        )
