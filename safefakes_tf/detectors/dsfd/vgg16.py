"""VGG-16 whose two fully connected layers became dilated convolutions."""

import os
import pathlib
import warnings

import h5py
import keras
import numpy as np
import tensorflow as tf

from safefakes_tf.config import DetectorConfig

CHANNEL_ORDERS = ("rgb", "bgr")
MEAN_RGB = (123.0, 117.0, 104.0)
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
FC_CHANNELS = 1024
# Keras' own files: with the fully connected layers, and without.
IMAGENET_FILES = (
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
)


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

    def get_config(self):
        return {
            **super().get_config(),
            "channel_order": self.channel_order,
            "pixel_scale": self.pixel_scale,
        }


def scale_channels(channels: int, width_multiplier: float) -> int:
    """Return a channel count times the multiplier, as a multiple of 4, at least 4."""
    return max(4, 4 * int(channels * width_multiplier / 4 + 0.5))


def _conv(inputs, channels: int, kernel_size: int, name: str, dilation: int = 1):
    return keras.layers.Conv2D(
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


# === Start weights ===


def initialise(
    model: keras.Model, config: DetectorConfig, init_weights: str | None
) -> tuple[bool, str]:
    """Give a detector its start weights.

    Args:
        model: from `dsfd.build_dsfd`.
        config: the one it was built from.
        init_weights: a detector's `.weights.h5`, or Keras' ImageNet VGG-16 `.h5` file.
            None: that file from Keras' cache folder, else the model stays random.

    Returns:
        Whether weights were found, and where from, as one line for the user.

    Raises:
        ValueError: if a named file is absent or does not fit the model.
    """
    if init_weights is None:
        path = _cached_imagenet_file()
        if config.width_multiplier != 1.0:
            return (
                False,
                "random (ImageNet weights fit only model.width_multiplier 1.0)",
            )
        if path is None:
            return False, (
                f"random (no {IMAGENET_FILES[0]} in {_keras_cache()}; name one with "
                "--weights=FILE, or help a random start with --set=model.pixel_scale="
                "0.015625 --set=optimizer.clip_norm=10)"
            )
    else:
        path = pathlib.Path(init_weights)
        if not path.is_file():
            raise ValueError(f"init_weights must name a file; {path} does not exist")
        if path.name.endswith(".weights.h5"):
            load_weights(model, path)
            return True, str(path)
    assigned = assign_imagenet(model, read_keras_file(path))
    rest = (
        "" if "fc6" in assigned else "; fc6 and fc7 random, the file lacks fc1 and fc2"
    )
    return True, f"backbone from ImageNet, {path}{rest}"


def load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Load the weights of a whole detector.

    Args:
        model: from `dsfd.build_dsfd`.
        path: a `.weights.h5` file, which exists.

    Raises:
        ValueError: if the file is broken, or of a detector of other settings.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras has one per layer before it fails
            model.load_weights(path)
    except Exception as error:  # a broken file can fail in any way
        raise ValueError(
            f"{path} does not fit this detector ({_reason(error)}); give the --config "
            "and --set it was trained with"
        ) from error


def _reason(error):
    """Return the first sentence of an error, as Keras goes on about every layer."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.partition(". ")[0]


def _keras_cache() -> pathlib.Path:
    home = os.environ.get("KERAS_HOME", pathlib.Path.home() / ".keras")
    return pathlib.Path(home) / "models"


def _cached_imagenet_file() -> pathlib.Path | None:
    paths = [_keras_cache() / name for name in IMAGENET_FILES]
    return next((path for path in paths if path.is_file()), None)


def read_keras_file(path: pathlib.Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read kernel and bias of every layer from one of Keras' `.h5` weight files.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        with h5py.File(path, "r") as file:
            return {
                str(layer): tuple(
                    np.asarray(file[layer][name])
                    for name in file[layer].attrs["weight_names"]
                )
                for layer in file
                if len(file[layer].attrs["weight_names"]) == 2
            }
    except Exception as error:  # a broken file can fail in any way
        raise ValueError(
            f"expected Keras' ImageNet VGG-16 weights ({IMAGENET_FILES[0]}) in {path}; "
            f"got: {_reason(error)}"
        ) from error


def assign_imagenet(
    model: keras.Model, arrays: dict[str, tuple[np.ndarray, np.ndarray]]
) -> list[str]:
    """Set a detector's backbone to an ImageNet VGG-16.

    Args:
        model: from `dsfd.build_dsfd`.
        arrays: kernel and bias by Keras' layer names, "block1_conv1" to "fc2"; both
            "fc" layers may be absent.

    Returns:
        The names of the model's layers that were set.

    Raises:
        ValueError: if a layer is missing or of another shape; nothing is set then.

    Source: dsfd.md, sections 3, 10 and 14.
    """
    values = _imagenet_layers(arrays)
    # Keras' VGG-16 descends from Caffe and expects blue first.
    if model.get_layer("subtract_mean").channel_order == "rgb":
        kernel, bias = values["conv1_1"]
        values["conv1_1"] = (kernel[:, :, ::-1], bias)
    for name, arrays_of_layer in values.items():
        expected = [tuple(weight.shape) for weight in model.get_layer(name).weights]
        got = [array.shape for array in arrays_of_layer]
        if got != expected:
            raise ValueError(
                f"ImageNet weights of {name} must be {expected}; got {got} - they fit "
                "model.width_multiplier 1.0 only"
            )
    for name, arrays_of_layer in values.items():
        model.get_layer(name).set_weights(arrays_of_layer)
    return list(values)


def _imagenet_layers(arrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return kernel and bias by this module's layer names."""
    names = {
        f"block{stage}_conv{index}": f"conv{stage}_{index}"
        for stage, widths in enumerate(STAGES, start=1)
        for index in range(1, len(widths) + 1)
    }
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"ImageNet VGG-16 weights lack {', '.join(missing)}")
    values = {ours: arrays[theirs] for theirs, ours in names.items()}
    if "fc1" in arrays and "fc2" in arrays:
        # Every fourth unit and every third window position: a 3 x 3 kernel at dilation
        # 3 covers the 7 x 7 window. Rows of fc1 run over row, column, channel.
        (kernel, bias), (kernel2, bias2) = arrays["fc1"], arrays["fc2"]
        window = kernel.reshape(7, 7, -1, kernel.shape[1])
        values["fc6"] = (window[::3, ::3, :, ::4], bias[::4])
        values["fc7"] = (kernel2[None, None, ::4, ::4], bias2[::4])
    return values
