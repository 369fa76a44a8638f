import keras
import numpy as np
import pytest

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import random_initialization


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (2, 16, 16, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return np.float32(coarse)


@pytest.fixture(scope="module")
def fitted(photos):
    keras.utils.set_random_seed(0)
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 16))
    before = {layer.name: layer.get_weights() for layer in model.layers}
    names = random_initialization.convolutions(model)
    random_initialization.fit_to_photos(model, photos, names)
    return model, before


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("conv1_1", 1.0),
        ("conv4_2", 1.0),
        ("fc7", 1.0),
        ("top_down_3", 1.0),
        ("lateral_2", 1.0),
        ("enhance_1_branch3_2", 1.0),
        ("second_shot_logits_1", 0.1),
    ],
)
def test_channels_fit_the_photos(fitted, photos, name, deviation):
    model, _ = fitted
    layer = model.get_layer(name)
    inputs = keras.tree.flatten(keras.Model(model.input, layer.input)(photos))
    values = np.array(layer.responses(*inputs) + layer.bias)
    assert np.abs(values.mean(axis=(0, 1, 2))).max() < 0.01 * deviation
    spread = values.std(axis=(0, 1, 2)) / deviation
    assert np.median(np.abs(spread - 1)) < 0.01


def test_maps_of_one_pixel_do_not_blow_up_other_photos():
    keras.utils.set_random_seed(0)
    photos = np.random.default_rng(0).uniform(0, 255, (6, 64, 64, 3)).astype("float32")
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 32))
    names = random_initialization.convolutions(model)
    random_initialization.fit_to_photos(model, photos[:2], names)
    top = keras.Model(model.input, model.get_layer("top_down_6").output)
    assert top(photos[:2]).shape[1:3] == (1, 1)
    assert np.max(top(photos[2:])) < 20


def test_gains_are_left_as_they_are(fitted):
    model, before = fitted
    for value, old in zip(
        model.get_layer("second_shot_norm_2").get_weights(),
        before["second_shot_norm_2"],
        strict=True,
    ):
        np.testing.assert_array_equal(value, old)


def test_other_layers_keep_their_weights(photos):
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 16))
    before = {layer.name: layer.get_weights() for layer in model.layers}
    random_initialization.fit_to_photos(model, photos, {"fc6", "fc7"})
    changed = {
        layer.name
        for layer in model.layers
        for old, new in zip(before[layer.name], layer.get_weights(), strict=True)
        if not np.array_equal(old, new)
    }
    assert changed == {"fc6", "fc7"}
