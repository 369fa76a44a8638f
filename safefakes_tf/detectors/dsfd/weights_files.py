"""The weights of a trained detector."""

import pathlib

import keras

from safefakes_tf import workdir
from safefakes_tf.config import DetectorConfig, differences, store
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import vgg16


def load_detector(
    config: DetectorConfig, weights: pathlib.Path, model: keras.Model | None = None
) -> keras.Model:
    """Return a detector with the weights of a file.

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
    vgg16.load_weights(model, weights)
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
