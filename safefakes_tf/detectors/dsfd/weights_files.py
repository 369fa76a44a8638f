"""The weights of a trained detector."""

import dataclasses
import pathlib

import keras

from safefakes_tf.config import Config, differences, from_json
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import vgg16

WEIGHTS = "detector.weights.h5"  # in the work folder


def load_detector(
    config: Config, weights: pathlib.Path, model: keras.Model | None = None
) -> keras.Model:
    """Return the detector of a configuration with the weights of a file.

    Args:
        config: of the detector.
        weights: a `.weights.h5` file.
        model: to load them into; by default a new one.

    Raises:
        ValueError: if the file is absent or was made by another configuration.
    """
    _check_settings(config, weights.with_name("config.json"))
    if not weights.exists():
        raise ValueError(
            f"no detector at {weights}; train one with --mode=train_detector, or name "
            "the file with --weights"
        )
    model = model or dsfd.build_dsfd(config.model)
    vgg16.load_weights(model, weights)
    return model


def _check_settings(config, stored):
    """Refuse other settings of the network than those beside its weights.

    Not all of them change the shape of a weight.
    """
    if stored.exists():
        changed = differences(
            dataclasses.asdict(from_json(stored.read_bytes()).model),
            dataclasses.asdict(config.model),
            "model.",
        )
        if changed:
            raise ValueError(
                f"{stored.parent} holds a detector with other settings "
                f"({'; '.join(changed)}); leave --config and --set away"
            )
