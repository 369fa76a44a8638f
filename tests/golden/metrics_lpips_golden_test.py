"""LPIPS with the golden weights against the authors' programme (metrics.md, 4)."""

import golden_weights
import keras
import numpy as np
import pytest

from safefakes_tf.evaluation.similarity import lpips
from safefakes_tf.importers import parameters

NETS = {"alex": "alexnet", "vgg": "vgg16"}
# By slice, the indices of the convolutions.
INDICES = {
    "alex": [(0,), (3,), (6,), (8,), (10,)],
    "vgg": [(0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)],
}
NUM_PAIRS, RAW_PAIR, RAW_VALUES = 9, 7, 2000


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("metrics_lpips")


@pytest.fixture(scope="module", params=sorted(NETS))
def net(request):
    return request.param


@pytest.fixture(scope="module")
def model(arrays, net):
    model = lpips.build_lpips(NETS[net])
    salt = str(arrays["weights_salt"])
    names = [
        f"net.slice{number}.{index}"
        for number, indices in enumerate(INDICES[net], start=1)
        for index in indices
    ]
    values = {}
    for name, variable in lpips.reference_variables(model, NETS[net]).items():
        folder, layer, part = name.split("/")
        if folder.startswith("NetLinLayer"):
            head = arrays[f"lin_{net}_{folder[-1]}"]
            values[name] = head.reshape(1, 1, -1, 1)
            continue
        module = names[int(layer.removeprefix("Conv_"))]
        kind, suffix = ("bias", "bias") if part == "bias" else ("conv", "weight")
        shape = parameters.reference_shape(variable)
        value = golden_weights.fill(salt, f"{module}.{suffix}", shape, kind)
        values[name] = parameters.to_keras(name, value)
    variables = lpips.reference_variables(model, NETS[net])
    parameters.load(net, variables, values, lambda _, value: value)
    return model


def pair(arrays, index):
    return [arrays[f"{side}{index}"].astype(np.float32)[None] for side in "ab"]


def layers(arrays, model):
    return [model(pair(arrays, i), training=False)[0] for i in range(NUM_PAIRS)]


def test_distances(arrays, net, model):
    got = np.array(layers(arrays, model))
    np.testing.assert_allclose(got, arrays[f"layers_{net}"], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(got.sum(axis=1), arrays[f"lpips_{net}"], rtol=1e-4)


def test_distances_without_heads(arrays, net, model):
    heads = [x for x in model.layers if x.name.startswith("NetLinLayer")]
    before = [head.get_weights() for head in heads]
    for head in heads:
        head.set_weights([np.ones_like(head.get_weights()[0])])
    got = np.array(layers(arrays, model))
    for head, weights in zip(heads, before, strict=True):
        head.set_weights(weights)
    np.testing.assert_allclose(got.sum(axis=1), arrays[f"base_{net}"], rtol=1e-4)


def test_feature_maps(arrays, net, model):
    image = pair(arrays, RAW_PAIR)[0]
    maps = model.get_layer("trunk")(image, training=False)
    shapes = [keras.ops.shape(x.numpy().transpose(0, 3, 1, 2)) for x in maps]
    np.testing.assert_array_equal(shapes, arrays[f"shapes_{net}"])
    got = np.concatenate([x.numpy().ravel()[:RAW_VALUES] for x in maps])
    expected = arrays[f"raw_{net}_0"]
    assert golden_weights.relative_error(got, expected) <= 1e-5


def test_equal_images_have_distance_zero_and_order_is_no_matter(arrays, model):
    first, second = pair(arrays, 3)
    assert np.all(model([first, first], training=False) == 0)
    np.testing.assert_allclose(
        model([first, second], training=False),
        model([second, first], training=False),
        rtol=1e-6,
    )
