"""DeepPrivacy: generator and discriminator at every stage of their growth.

Layers are named after the resolution they work at. A network of twice the resolution
has all layers of the smaller one, under the same names, so growing is a copy by name.

Source: "DeepPrivacy: A Generative Adversarial Network for Face Anonymization"
(Hukkelås et al., ISVC 2019); the details are those of deepprivacy.md, sections 1 to 4.
"""

import math

import keras
import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy.layers import (
    EqualizedConv2D,
    EqualizedDense,
    PixelNorm,
    full_precision,
)
from safefakes_tf.config import DeepPrivacyConfig
from safefakes_tf.ops.activations import LeakyReLU

IMAGE, CONDITION, POSE = "image", "condition", "pose"
NOISE, TRANSITION = "noise", "transition"
NUM_KEYPOINTS = 7  # nose, eyes, ears, shoulders; left before right
NOISE_CHANNELS = 32
LOWEST = 4  # px, side of the smallest maps
RESOLUTIONS = (8, 16, 32, 64, 128)


# === Layers ===


@keras.saving.register_keras_serializable("safefakes_tf")
class PoseMaps(keras.layers.Layer):
    """Draw keypoints as maps: zero, but for a one at the keypoint's pixel.

    Float32 [N, 14] (x0, y0, x1, y1, ...; 0..1 inside the patch) to [N, side, side, 7].
    A keypoint outside the patch has an empty map.

    Args:
        side: of the maps, px.

    Source: deepprivacy.md, section 4.
    """

    def __init__(self, side: int, **kwargs):
        super().__init__(**kwargs)
        self.side = side

    def call(self, pose):
        points = tf.reshape(pose, [-1, NUM_KEYPOINTS, 2])
        inside = tf.reduce_all((points >= 0) & (points < 1), axis=-1, keepdims=True)
        pixels = tf.where(inside, tf.cast(points * self.side, tf.int32), -1)
        columns, rows = tf.unstack(tf.one_hot(pixels, self.side), axis=2)
        return tf.einsum("nkr,nkc->nrck", rows, columns)


@keras.saving.register_keras_serializable("safefakes_tf")
class Lerp(keras.layers.Layer):
    """Fade from one map to another: called on `[old, new, t]`, t float32 [N, 1]."""

    def call(self, inputs):
        old, new, transition = inputs
        return old + tf.cast(transition[:, None, None], old.dtype) * (new - old)


def _conv(x, filters: int, kernel_size: int, name: str, padding: str = "same"):
    x = EqualizedConv2D(filters, kernel_size, padding, name=name)(x)
    return LeakyReLU(0.2, name=f"{name}_relu")(x)


def _normed_conv(x, filters: int, kernel_size: int, name: str):
    return PixelNorm(name=f"{name}_norm")(_conv(x, filters, kernel_size, name))


def _join(parts: list, name: str):
    return keras.layers.Concatenate(name=name)(parts)


def _down(x, name: str):
    return keras.layers.AveragePooling2D(2, name=name)(x)


def _to_rgb(x, side: int):
    return EqualizedConv2D(3, 1, name=f"to_rgb_{side}", dtype=full_precision())(x)


# === Functional models ===


def build_generator(config: DeepPrivacyConfig, fading: bool = False) -> keras.Model:
    """Build the generator of one stage.

    Inputs, a dict: "condition" float32 [N, R, R, 3] in -1..1, the patch with its face
    masked; "pose" float32 [N, 14], see `PoseMaps`; "noise" float32 [N, 4, 4, 32]; with
    `fading` also "transition" float32 [N, 1] in 0..1. Output: float32 [N, R, R, 3],
    linear, about -1..1. R is `config.resolution`.

    Args:
        config: start channels and resolution.
        fading: whether the stage is still being faded in, with the input and output
            layers of the stage before. At transition 1 they have no influence.

    Raises:
        ValueError: if the resolution is none that the networks grow through.

    Source: deepprivacy.md, sections 2 and 3.
    """
    sides = _sides(config.resolution)
    top = sides[-1]
    condition = keras.Input((top, top, 3), name=CONDITION)
    pose = keras.Input((2 * NUM_KEYPOINTS,), name=POSE)
    noise = keras.Input((LOWEST, LOWEST, NOISE_CHANNELS), name=NOISE)
    inputs = {CONDITION: condition, POSE: pose, NOISE: noise}
    if fading:
        inputs[TRANSITION] = keras.Input((1,), name=TRANSITION)

    # 1. Down to 4 x 4, keeping what each resolution saw.
    x = _normed_conv(condition, _width(config.channels, top), 1, f"from_rgb_{top}")
    skips = {}
    for side in reversed(sides[1:]):
        for number in (1, 2):
            name = f"encoder_{side}_{number}"
            x = _normed_conv(x, _width(config.channels, side // 2), 3, name)
        skips[side] = x
        x = _down(x, f"encoder_{side}_down")
        if fading and side == top:
            old = _down(condition, "condition_down")
            name = f"from_rgb_{top // 2}"
            old = _normed_conv(old, _width(config.channels, top // 2), 1, name)
            x = Lerp(name="fade_in")([old, x, inputs[TRANSITION]])
    for number in (1, 2):
        x = _normed_conv(x, config.channels, 3, f"encoder_{LOWEST}_{number}")

    # 2. Up again, with the keypoints at every resolution.
    for side in sides:
        if side > LOWEST:
            x = keras.layers.UpSampling2D(name=f"decoder_{side}_up")(x)
        lower = x
        maps = PoseMaps(side, name=f"pose_{side}")(pose)
        parts = [x, maps, noise] if side == LOWEST else [x, skips[side], maps]
        x = _join(parts, f"decoder_{side}_joined")
        name = f"decoder_{side}_merge"
        x = _normed_conv(x, _width(config.channels, max(side // 2, LOWEST)), 1, name)
        for number in (1, 2):
            name = f"decoder_{side}_{number}"
            x = _normed_conv(x, _width(config.channels, side), 3, name)

    image = _to_rgb(x, top)
    if fading:
        old = _to_rgb(lower, top // 2)
        image = Lerp(name="fade_out", dtype=full_precision())(
            [old, image, inputs[TRANSITION]]
        )
    return keras.Model(inputs, image, name="deepprivacy_generator")


def build_discriminator(config: DeepPrivacyConfig, fading: bool = False) -> keras.Model:
    """Build the discriminator of one stage.

    Inputs, a dict: "image" and "condition" float32 [N, R, R, 3] in -1..1, "pose" and,
    with `fading`, "transition" as of `build_generator`. Output: float32 [N, 1], the
    score, higher for what looks real.

    Args:
        config: as for the generator; this network is sqrt(2) times as wide.
        fading: as for the generator.

    Raises:
        ValueError: if the resolution is none that the networks grow through.

    Source: deepprivacy.md, section 3.
    """
    sides = _sides(config.resolution)
    top = sides[-1]
    channels = int(config.channels * math.sqrt(2)) // 8 * 8
    image = keras.Input((top, top, 3), name=IMAGE)
    condition = keras.Input((top, top, 3), name=CONDITION)
    pose = keras.Input((2 * NUM_KEYPOINTS,), name=POSE)
    inputs = {IMAGE: image, CONDITION: condition, POSE: pose}
    if fading:
        inputs[TRANSITION] = keras.Input((1,), name=TRANSITION)

    both = _join([image, condition], "image_and_condition")
    x = _conv(both, _width(channels, top), 1, f"from_rgb_{top}")
    for side in reversed(sides[1:]):
        x = _join([x, PoseMaps(side, name=f"pose_{side}")(pose)], f"block_{side}_in")
        x = _conv(x, _width(channels, side), 3, f"block_{side}_1")
        x = _conv(x, _width(channels, side // 2), 3, f"block_{side}_2")
        x = _down(x, f"block_{side}_down")
        if fading and side == top:
            old = _down(both, "both_down")
            old = _conv(old, _width(channels, top // 2), 1, f"from_rgb_{top // 2}")
            x = Lerp(name="fade_in")([old, x, inputs[TRANSITION]])
    x = _join([x, PoseMaps(LOWEST, name=f"pose_{LOWEST}")(pose)], f"block_{LOWEST}_in")
    x = _conv(x, channels, 3, f"block_{LOWEST}_1")
    x = _conv(x, channels, LOWEST, f"block_{LOWEST}_2", padding="valid")
    x = keras.layers.Flatten(name="features")(x)
    score = EqualizedDense(1, name="score", dtype=full_precision())(x)
    return keras.Model(inputs, score, name="deepprivacy_discriminator")


def grow(small: keras.Model, large: keras.Model) -> None:
    """Give a network of the next stage all that the one before has learnt.

    Args:
        small: generator or discriminator of some resolution, fading or not.
        large: the same of twice the resolution, fading, or of the same one; set in
            place.

    Source: deepprivacy.md, section 3.
    """
    for layer in small.layers:
        # The path that `small` itself was faded in by is not needed any more.
        if layer.weights and layer.name in {each.name for each in large.layers}:
            large.get_layer(layer.name).set_weights(layer.get_weights())


def _sides(resolution):
    """Return the sides of the maps, from 4 px up to the resolution."""
    if resolution not in RESOLUTIONS:
        raise ValueError(
            f"network.resolution must be one of {RESOLUTIONS}; got {resolution}"
        )
    return [2**power for power in range(2, resolution.bit_length())]


def _width(channels, side):
    """Return the number of channels at a resolution: halved from 64 px on."""
    halvings = max(0, side.bit_length() - 6)
    return max(8, channels // 2**halvings // 8 * 8)
