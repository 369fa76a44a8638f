"""DSFD, the dual shot face detector, on VGG-16: network and anchors.

Source: "DSFD: Dual Shot Face Detector" (Li et al., CVPR 2019); the details are those of
dsfd.md, sections 3 to 5.
"""

import keras
import tensorflow as tf

from safefakes_tf.config import DetectorConfig
from safefakes_tf.models.layers import L2Norm, ResizeLike
from safefakes_tf.models.vgg16 import SubtractMean, scale_channels, vgg16

FIRST_SHOT, SECOND_SHOT = "first_shot", "second_shot"
SHOTS = (FIRST_SHOT, SECOND_SHOT)
BOXES, LOGITS = "boxes", "logits"

STRIDES = (4, 8, 16, 32, 64, 128)
ANCHOR_SIZES = {  # side in pixels, by level
    FIRST_SHOT: (8, 16, 32, 64, 128, 256),
    SECOND_SHOT: (16, 32, 64, 128, 256, 512),
}
MIN_SIDE = 28  # px; below, the last maps of the backbone are empty


# === Layers ===


def _conv(channels: int, kernel_size: int, name: str, **options):
    return keras.layers.Conv2D(
        channels, kernel_size, padding="same", name=name, **options
    )


def _halve(x, channels: int, name: str):
    # "same" with stride 2 pads even sizes on the right and bottom only; the published
    # network pads one pixel on every side.
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    conv = keras.layers.Conv2D(channels, 3, strides=2, activation="relu", name=name)
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
        # float32: products of raw maps can overflow half precision.
        x = keras.layers.Multiply(name=f"product_{number}", dtype="float32")(
            [upper, lateral]
        )
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
            conv = _conv(channels, 3, name, dilation_rate=3, activation=activation)
            y = conv(y)
        branches.append(y)
    joined = keras.layers.Concatenate(name=f"enhance_{number}_joined")(branches)
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
            x = _conv(channels, 3, name, dtype="float32")(level)
            parts.append(keras.layers.Reshape((-1, channels), name=f"{name}_rows")(x))
        join = keras.layers.Concatenate(axis=1, name=f"{shot}_{kind}", dtype="float32")
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


def feature_map_sizes(
    height: int | tf.Tensor, width: int | tf.Tensor
) -> list[tuple[int | tf.Tensor, int | tf.Tensor]]:
    """Return the (height, width) of the six levels for a photo.

    Args:
        height, width: of the photo in pixels; ints or int32 scalars.

    Source: dsfd.md, section 4.1.
    """
    return list(zip(_level_sides(height), _level_sides(width), strict=True))


def _level_sides(side) -> list:
    first = side // 2 // 2
    second = (first + 1) // 2
    third = second // 2
    fourth = third // 2
    fifth = (fourth + 1) // 2
    return [first, second, third, fourth, fifth, (fifth + 1) // 2]


def anchors(
    height: int | tf.Tensor, width: int | tf.Tensor, shot: str, ratio: float = 1.0
) -> tf.Tensor:
    """Return the anchor boxes of one shot for photos of one size.

    Args:
        height, width: of the photo in pixels; ints or int32 scalars.
        shot: "first_shot" or "second_shot".
        ratio: height / width of an anchor; its area stays the same.

    Returns:
        float32 [P, 4]: centre x, centre y, width, height, relative to the photo, not
        clipped, by level, row and column.

    Raises:
        ValueError: if there is no such shot.

    Source: DSFD, section 3.4; dsfd.md, section 5.
    """
    if shot not in ANCHOR_SIZES:
        raise ValueError(f"shot must be one of {', '.join(SHOTS)}; got {shot!r}")
    # float64 in this order of operations, rounded once: bit-equal to the reference.
    high, wide = tf.cast(height, tf.float64), tf.cast(width, tf.float64)
    levels = []
    for (rows, columns), stride, size in zip(
        feature_map_sizes(height, width), STRIDES, ANCHOR_SIZES[shot], strict=True
    ):
        cx = (tf.cast(tf.range(columns), tf.float64) + 0.5) / (wide / stride)
        cy = (tf.cast(tf.range(rows), tf.float64) + 0.5) / (high / stride)
        cy, cx = tf.meshgrid(cy, cx, indexing="ij")
        w = size / wide / ratio**0.5
        h = size / high * ratio**0.5
        centres = tf.stack([cx, cy], axis=-1)
        sizes = tf.broadcast_to(tf.stack([w, h]), tf.shape(centres))
        levels.append(tf.reshape(tf.concat([centres, sizes], axis=-1), [-1, 4]))
    return tf.cast(tf.concat(levels, axis=0), tf.float32)
