"""VGG-16 whose two fully connected layers became dilated convolutions."""

import keras
import tensorflow as tf

from safefakes_tf.detectors.dsfd.layers import Conv2D

CHANNEL_ORDERS = ("rgb", "bgr")
MEAN_RGB = (123.0, 117.0, 104.0)
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
FC_CHANNELS = 1024


# === Layers ===


@keras.saving.register_keras_serializable("safefakes_tf")
class SubtractMean(keras.layers.Layer):
    """Turn RGB pixels, 0..255, into zero-centred float32 in the wanted channel order.

    Args:
        channel_order: "rgb" or "bgr".
        pixel_scale: factor of the centred pixels; 1.0 in the published network.

    Source: dsfd.md, section 3.
    """

    def __init__(self, channel_order: str = "rgb", pixel_scale: float = 1.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if channel_order not in CHANNEL_ORDERS:
            raise ValueError(
                "channel_order must be one of "
                f"{', '.join(CHANNEL_ORDERS)}; got {channel_order!r}"
            )
        self.channel_order = channel_order
        self.pixel_scale = pixel_scale

    def call(self, inputs):
        centred = tf.cast(inputs, tf.float32) - tf.constant(MEAN_RGB)
        centred *= self.pixel_scale
        return centred if self.channel_order == "rgb" else centred[..., ::-1]


def scale_channels(channels: int, width_multiplier: float) -> int:
    """Return a channel count times the multiplier, as a multiple of 4, at least 4."""
    return max(4, 4 * int(channels * width_multiplier / 4 + 0.5))


def _conv(inputs, channels: int, kernel_size: int, name: str, dilation: int = 1):
    return Conv2D(
        channels,
        kernel_size,
        padding="same",
        dilation_rate=dilation,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )(inputs)


# === Functional Model ===


def vgg16(pixels, width_multiplier: float) -> list:
    """Apply VGG-16 up to fc7 to zero-centred pixels.

    Args:
        pixels: Keras tensor [N, H, W, 3], from `SubtractMean`.
        width_multiplier: of every channel count, > 0.

    Returns:
        The maps conv3_3, conv4_3, conv5_3 and fc7, after their ReLU, at strides 4, 8,
        16 and 32.

    Source: VGG (Simonyan and Zisserman, 2014), table 1 D; dsfd.md, section 4.1.
    """
    x, taps = pixels, []
    for stage, widths in enumerate(STAGES, start=1):
        for index, width in enumerate(widths, start=1):
            channels = scale_channels(width, width_multiplier)
            x = _conv(x, channels, 3, f"conv{stage}_{index}")
        if stage >= 3:
            taps.append(x)
        # Only the third pool rounds odd sizes up.
        padding = "same" if stage == 3 else "valid"
        x = keras.layers.MaxPooling2D(2, 2, padding=padding, name=f"pool{stage}")(x)
    channels = scale_channels(FC_CHANNELS, width_multiplier)
    x = _conv(x, channels, 3, "fc6", dilation=3)  # H/32, W/32, 1024
    return [*taps, _conv(x, channels, 1, "fc7")]
