"""Weights of DSFD: those to start from, and those of a trained detector."""

import os
import pathlib
import tempfile
import warnings

import h5py
import keras
import numpy as np

from safefakes_tf import atomic, workdir
from safefakes_tf.config import DetectorConfig, differences, store
from safefakes_tf.detectors.dsfd import importer
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.vgg16 import STAGES
from safefakes_tf.importers import checkpoints, mistaken_files, parameters

# Keras' own files: with the fully connected layers, and without.
IMAGENET_FILES = (
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
)


def load_detector(
    config: DetectorConfig, weights: pathlib.Path, model: keras.Model | None = None
) -> keras.Model:
    """Return the detector of a configuration with the weights of a file.

    Args:
        config: of the network.
        weights: a `.weights.h5` file.
        model: to load them into; by default a new one.

    Raises:
        ValueError: if the file is absent or was made by another configuration.
    """
    _check_settings(config, weights.with_name(workdir.CONFIG))
    if not weights.exists():
        raise ValueError(
            f"no detector at {weights}; train one with --mode=train_detector, or name "
            "the file with --weights"
        )
    model = model or dsfd.build_dsfd(config)
    load_weights(model, weights)
    return model


def _check_settings(config, stored):
    """Refuse other settings of the network than those beside its weights.

    Not all of them change the shape of a weight.
    """
    if stored.exists():
        changed = differences(store.read(stored, "evaluate").model, config, "model.")
        if changed:
            raise ValueError(
                f"{stored.parent} holds a detector with other settings "
                f"({'; '.join(changed)}); leave --config and --set away"
            )


def load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Load the weights of a whole detector.

    Args:
        model: from `dsfd.build_dsfd`.
        path: a `.weights.h5` file, which exists.

    Raises:
        ValueError: if the file is broken, or of a detector of other settings.
    """
    mistaken_files.check(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras has one per layer before it fails
            model.load_weights(path)
    except Exception as error:  # a broken file can fail in any way
        raise ValueError(
            f"{path} does not fit this detector ({_reason(error)}); give the --config "
            "and --set it was trained with"
        ) from error


def save_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Store the weights of a whole detector; a file that is there is replaced.

    Args:
        model: from `dsfd.build_dsfd`.
        path: of the `.weights.h5` file, which is there as a whole or not at all.

    Raises:
        OSError or RuntimeError: if it cannot be written.
    """
    # Keras opens the file itself, and asks for its suffix.
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=".", suffix=atomic.SUFFIX
    ) as folder:
        partial = pathlib.Path(folder) / path.name
        model.save_weights(partial)
        partial.replace(path)


def _reason(error):
    """Return the first sentence of an error, as Keras goes on about every layer."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.partition(". ")[0]


def initialise(
    model: keras.Model, config: DetectorConfig, init_weights: str | None
) -> tuple[bool, str]:
    """Give a detector its initial weights.

    Args:
        model: from `dsfd.build_dsfd`.
        config: the one it was built from.
        init_weights: a detector's `.weights.h5`, Keras' ImageNet VGG-16 `.h5` file, or
            a checkpoint of the VGG-16 that published SSDs and DSFDs start from
            (`vgg16_reducedfc`). None: Keras' file from its cache folder, else the model
            stays random.

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
    mistaken_files.check(path)
    if path.suffix in (".h5", ".hdf5"):
        assigned = assign_imagenet(model, read_keras_file(path))
    else:
        assigned = _assign(model, _reduced_layers(path))
    rest = "" if "fc6" in assigned else "; fc6 and fc7 random, which the file lacks"
    return True, f"backbone from ImageNet, {path}{rest}"


def _keras_cache() -> pathlib.Path:
    home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
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
    return _assign(model, _imagenet_layers(arrays))


def _assign(model, values):
    # Keras' VGG-16 and the reduced one descend from Caffe's: blue comes first.
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


def _reduced_layers(path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return kernel and bias by this module's layer names, of `vgg16_reducedfc`."""
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


def _imagenet_layers(arrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return kernel and bias by this module's layer names."""
    names = {
        f"block{stage}_conv{index}": f"conv{stage}_{index}"
        for stage, widths in enumerate(STAGES, start=1)
        for index in range(1, len(widths) + 1)
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
