"""DSFD, as trained or imported here, on photos that nobody annotated."""

import dataclasses
import hashlib
import pathlib
import threading

import numpy as np

from safefakes_tf import workdir
from safefakes_tf.config import DetectionConfig, Evaluate, store
from safefakes_tf.detectors.dsfd import inference
from safefakes_tf.detectors.dsfd.weights import load_detector


class Dsfd:
    """See the module.

    Args:
        weights: a `.weights.h5` file; `config.json` beside it tells the network and how
            it detects, without which both are as published.
        threshold: score from which a detection is a face.

    Raises:
        ValueError: if the file is not there or does not fit.
    """

    def __init__(self, weights: pathlib.Path, threshold: float):
        stored = weights.with_name(workdir.CONFIG)
        trained = store.read(stored, "evaluate") if stored.exists() else Evaluate()
        self._detect = inference.PhotoDetector(
            load_detector(trained.model, weights),
            dataclasses.replace(trained.inference, score_threshold=threshold),
            final=True,
        )
        self.sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        # Its maps are large, and one photo employs all processors.
        self._lock = threading.Lock()

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """Find faces of all sizes; see `registry.Detector`."""
        with self._lock:
            finish = self._detect.begin(photo)
        return finish()  # beside the network's next photo

    def close(self) -> None:
        """Free the network."""
        del self._detect


def create(config: DetectionConfig) -> Dsfd:
    """Return the detector that a configuration names.

    Raises:
        ValueError: if it names no weights, or see `Dsfd`.
    """
    weights = pathlib.Path(config.weights or "")
    if not weights.is_file():
        raise ValueError(
            "--detector=dsfd needs --detector_weights: a detector.weights.h5 from "
            "--mode=train_detector or --mode=import_weights; got "
            f"{config.weights or 'nothing'}"
        )
    return Dsfd(weights, config.threshold)
