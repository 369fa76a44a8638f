"""DSFD, the dual shot face detector, on VGG-16: the network.

Source: "DSFD: Dual Shot Face Detector" (Li et al., CVPR 2019); the details are those of
dsfd.md, sections 3 to 5.
"""

import keras

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd.anchors import FIRST_SHOT, SECOND_SHOT
from safefakes_tf.detectors.dsfd.layers import (
    Conv2D,
    JoinPhases,
    L2Norm,
    ResizeLike,
    full_precision,
)
from safefakes_tf.detectors.dsfd.vgg16 import SubtractMean, scale_channels, vgg16

BOXES, LOGITS = "boxes", "logits"
DILATION = 3  # of the convolutions that widen the view


# === Layers ===


def _conv(channels: int, kernel_size: int, name: str, **options):
    return Conv2D(channels, kernel_size, padding="same", name=name, **options)


def _halve(x, channels: int, name: str):
    # "same" with stride 2 pads even sizes on the right and bottom only; the published
    # network pads one pixel on every side.
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    conv = Conv2D(channels, 3, strides=2, activation="relu", name=name)
    return conv(x)


def _extra_levels(x, width) -> list:
    """Return levels 5 and 6, at strides 64 and 128, from fc7."""
    x = _conv(width(256), 1, "conv6_1", activation="relu")(x)
    level5 = _halve(x, width(512), "conv6_2")
    x = _conv(width(128), 1, "conv7_1", activation="relu")(level5)
    return [level5, _halve(x, width(256), "conv7_2")]


def _top_down(levels: list, upsampling: str) -> list:
    """Multiply each level with what comes down from the level above (section 4.4)."""
    top = levels[-1]
    x = _conv(top.shape[-1], 1, "top_down_6", activation="relu")(top)
    merged = [x]
    for number in range(5, 0, -1):
        level = levels[number - 1]
        channels = level.shape[-1]
        upper = _conv(channels, 1, f"top_down_{number}", activation="relu")(x)
        upper = ResizeLike(upsampling, name=f"upsample_{number}")([upper, level])
        lateral = _conv(channels, 1, f"lateral_{number}")(level)
        # Products of raw maps can overflow half precision.
        product = keras.layers.Multiply(
            name=f"product_{number}", dtype=full_precision()
        )
        x = product([upper, lateral])
        x = keras.layers.ReLU(name=f"merged_{number}")(x)
        merged.insert(0, x)
    return merged


def _enhance(x, number: int):
    """Widen the view of one level by branches of one to three dilated convolutions."""
    third = x.shape[-1] // 3
    branches = []
    for branch, channels in enumerate((third, third, x.shape[-1] - 2 * third), start=1):
        y = x
        for depth in range(1, branch + 1):
            activation = "relu" if depth < branch else None
            name = f"enhance_{number}_branch{branch}_{depth}"
            conv = _conv(channels, 3, name, step=DILATION, activation=activation)
            y = conv(y) if depth == 1 else conv(y, whole=x)
        branches.append(y)
    joined = JoinPhases(DILATION, name=f"enhance_{number}_joined")(branches, whole=x)
    return keras.layers.ReLU(name=f"enhanced_{number}")(joined)


def _normalize(levels: list, shot: str) -> list:
    """Bring the first three levels to the scale of the others (section 4.2)."""
    gains = (10.0, 8.0, 5.0)
    normalized = [
        L2Norm(gain, name=f"{shot}_norm_{number}")(level)
        for number, (level, gain) in enumerate(
            zip(levels, gains, strict=False), start=1
        )
    ]
    return normalized + levels[3:]


def _heads(levels: list, shot: str) -> dict:
    """Return a shot's boxes [N, P, 4] and logits [N, P, 2], float32."""
    outputs = {}
    for kind, channels in ((BOXES, 4), (LOGITS, 2)):
        parts = []
        for number, level in enumerate(levels, start=1):
            name = f"{shot}_{kind}_{number}"
            x = _conv(channels, 3, name, dtype=full_precision())(level)
            parts.append(keras.layers.Reshape((-1, channels), name=f"{name}_rows")(x))
        join = keras.layers.Concatenate(
            axis=1, name=f"{shot}_{kind}", dtype=full_precision()
        )
        outputs[kind] = join(parts)
    return outputs


# === Functional Model ===


def build_dsfd(config: DetectorConfig) -> keras.Model:
    """Build DSFD for photos of any size from 28 x 28 pixels on.

    Backbone kernels start He normal, all others Glorot uniform, biases at 0.

    Args:
        config: width, resizing convention and channel order.

    Returns:
        Model from float32 [N, H, W, 3], RGB, 0..255, to {"first_shot", "second_shot"},
        each {"boxes": float32 [N, P, 4], offsets coded as in `boxes.decode`; "logits":
        float32 [N, P, 2], background and face}. P runs over level, row and column, in
        the order of `anchors`. Its attribute `anchor_ratio` is that of the config.

    Raises:
        ValueError: if the width multiplier, resizing or channel order is not possible.
    """
    if config.width_multiplier <= 0:
        raise ValueError(
            "model.width_multiplier must be greater than 0; got "
            f"{config.width_multiplier} - 1.0 is the published network"
        )

    def width(channels: int) -> int:
        return scale_channels(channels, config.width_multiplier)

    photos = keras.Input((None, None, 3), name="photos", dtype="float32")
    centre = SubtractMean(
        config.channel_order, config.pixel_scale, name="subtract_mean"
    )
    pixels = centre(photos)
    levels = vgg16(pixels, config.width_multiplier)  # strides 4, 8, 16, 32
    levels += _extra_levels(levels[-1], width)  # strides 64, 128
    merged = _top_down(levels, config.upsampling)
    enhanced = [_enhance(x, number) for number, x in enumerate(merged, start=1)]
    outputs = {
        shot: _heads(_normalize(maps, shot), shot)
        for shot, maps in ((FIRST_SHOT, levels), (SECOND_SHOT, enhanced))
    }
    model = keras.Model(photos, outputs, name="dsfd")
    model.anchor_ratio = config.anchor_ratio
    return model


def second_shot(model: keras.Model) -> keras.Model:
    """Return the part of a DSFD that inference needs, sharing its variables.

    Args:
        model: from `build_dsfd`.

    Returns:
        Model with the same input whose output lacks "first_shot".
    """
    outputs = {SECOND_SHOT: model.output[SECOND_SHOT]}
    part = keras.Model(model.input, outputs, name="dsfd_second_shot")
    part.anchor_ratio = model.anchor_ratio
    return part


# === Anchors ===
