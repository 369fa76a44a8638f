"""Face detectors by name. The home of each is imported when asked for."""

import contextlib
import dataclasses
import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from safefakes_tf.config import DetectionConfig, names, values


class Detector(Protocol):
    """Finds faces on whole photos; several threads may ask at once.

    Attributes:
        sha256: of its model file, hex digits.
        settings: `name=value` for what else its detections depend on, beside the
            configuration, and is not as published.
    """

    sha256: str
    settings: Sequence[str]

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Return the faces of a photo.

        Args:
            photo: uint8 [H, W, 3], RGB, upright.

        Returns:
            float32 [M, 5]: score in [0, 1], ymin, xmin, ymax, xmax, relative to the
            photo.
        """

    def close(self) -> None:
        """Free what it holds."""


def resolved(config: DetectionConfig) -> DetectionConfig:
    """Return a configuration with the detector's own threshold if it names none.

    Raises:
        ValueError: if there is no such detector.
    """
    values.check_choice("--detector", config.detector, names.DETECTORS)
    if config.threshold is not None:
        return config
    threshold = names.DETECTORS[config.detector].threshold
    return dataclasses.replace(config, threshold=threshold)


def described(detector: Detector) -> str:
    """Return a text that changes with the detector's file and its settings."""
    return " ".join([detector.sha256, *detector.settings])


@contextlib.contextmanager
def opened(config: DetectionConfig) -> Iterator[Detector]:
    """Give the detector that a configuration names.

    Raises:
        ValueError: if there is no such detector, or its model file is not there.
    """
    config = resolved(config)
    module = importlib.import_module(names.DETECTORS[config.detector].module)
    with contextlib.closing(module.create(config)) as detector:
        yield detector
