"""Weights of a trained detector; `pretrained` has those to start from."""

import pathlib
import tempfile
import warnings

import keras

from safefakes_tf import atomic, workdir
from safefakes_tf.config import DetectorConfig, differences, store
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.importers import mistaken_files


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
            f"{path} does not fit this detector ({first_sentence(error)}); give the "
            "--config and --set it was trained with"
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


def first_sentence(error: Exception) -> str:
    """Return the first sentence of an error; Keras goes on about every layer."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.partition(". ")[0]
