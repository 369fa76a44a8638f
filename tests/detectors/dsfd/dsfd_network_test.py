import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import network as dsfd

TINY = DetectorConfig(width_multiplier=1 / 64)


@pytest.fixture(scope="module")
def tiny():
    """Return a detector that no test changes."""
    return dsfd.build_dsfd(TINY)


def noise(*shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def test_published_size():
    model = dsfd.build_dsfd(DetectorConfig())
    assert model.count_params() == 49_793_432
    assert len(model.trainable_variables) == 186


@pytest.mark.parametrize("size", [(28, 28), (64, 96), (141, 173), (29, 130)])
def test_any_size(tiny, size):
    outputs = tiny(noise(2, *size, 3))
    for shot in anchor_ops.SHOTS:
        count = len(anchor_ops.anchors(*size, shot))
        assert outputs[shot]["boxes"].shape == (2, count, 4)
        assert outputs[shot]["logits"].shape == (2, count, 2)


def test_anchors_in_a_graph_for_sizes_known_late():
    late = tf.function(
        lambda height, width: anchor_ops.anchors(height, width, "first_shot", 1.5),
        input_signature=[tf.TensorSpec([], tf.int32)] * 2,
    )
    np.testing.assert_array_equal(
        late(141, 173), anchor_ops.anchors(141, 173, "first_shot", 1.5)
    )


def test_anchors_of_an_unknown_shot():
    with pytest.raises(ValueError, match="first_shot, second_shot; got 'third'"):
        anchor_ops.anchors(64, 64, "third")


def test_second_shot_shares_variables_and_gives_the_same(tiny):
    part = dsfd.second_shot(tiny)
    assert part.count_params() < tiny.count_params()
    photo = noise(1, 64, 64, 3)
    outputs = part(photo)
    assert list(outputs) == ["second_shot"]
    for name, values in outputs["second_shot"].items():
        np.testing.assert_array_equal(values, tiny(photo)["second_shot"][name])


def test_bgr_is_rgb_with_turned_kernel():
    config = DetectorConfig(width_multiplier=1 / 16)  # narrower, maps may be all zero
    rgb = dsfd.build_dsfd(config)
    bgr = dsfd.build_dsfd(dataclasses.replace(config, channel_order="bgr"))
    bgr.set_weights(rgb.get_weights())
    kernel, bias = rgb.get_layer("conv1_1").get_weights()
    bgr.get_layer("conv1_1").set_weights([kernel[:, :, ::-1], bias])
    photo = noise(1, 64, 64, 3)
    expected = rgb(photo)["second_shot"]["logits"].numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(
        bgr(photo)["second_shot"]["logits"],
        expected,
        rtol=0,
        atol=1e-4 * np.abs(expected).max(),
    )


def test_start_values(tiny):
    for shot in anchor_ops.SHOTS:
        for number, gain in enumerate((10, 8, 5), start=1):
            values = tiny.get_layer(f"{shot}_norm_{number}").get_weights()[0]
            np.testing.assert_array_equal(values, np.full_like(values, gain))
    for variable in tiny.variables:
        if variable.name == "bias":
            assert not variable.numpy().any()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_outputs_and_products_float32(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = dsfd.build_dsfd(TINY)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("conv1_1").compute_dtype == policy.removeprefix("mixed_")
    for layer in ("first_shot_norm_1", "product_1", "upsample_1", "subtract_mean"):
        assert model.get_layer(layer).compute_dtype == "float32"
    for shot in model(noise(1, 64, 64, 3)).values():
        for values in shot.values():
            assert values.dtype == tf.float32


@pytest.mark.parametrize("multiplier", [0.0, -1.0])
def test_width_must_be_positive(multiplier):
    with pytest.raises(ValueError, match="width_multiplier must be greater than 0"):
        dsfd.build_dsfd(DetectorConfig(width_multiplier=multiplier))


def test_unknown_settings():
    with pytest.raises(ValueError, match="upsampling must be one of"):
        dsfd.build_dsfd(dataclasses.replace(TINY, upsampling="cubic"))
    with pytest.raises(ValueError, match="channel_order must be one of"):
        dsfd.build_dsfd(dataclasses.replace(TINY, channel_order="gbr"))


def test_model_survives_a_keras_file(tiny, tmp_path):
    tiny.save(tmp_path / "dsfd.keras")
    loaded = keras.saving.load_model(tmp_path / "dsfd.keras")
    photo = noise(1, 64, 64, 3)
    np.testing.assert_array_equal(
        loaded(photo)["second_shot"]["boxes"], tiny(photo)["second_shot"]["boxes"]
    )
