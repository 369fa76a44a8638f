"""DSFD, as trained or imported here, on photos that nobody annotated."""

import dataclasses
import hashlib
import pathlib
import threading

import numpy as np

from safefakes_tf import workdir
from safefakes_tf.config import DetectionConfig, Evaluate, fields, store
from safefakes_tf.detectors.dsfd import inference
from safefakes_tf.detectors.dsfd.weights import load_detector

# Candidates of a pass, and faces. Those of a training would leave the last faces of a
# crowd to be seen; some bound is needed, as a network that learnt nothing finds faces
# everywhere.
MOST = 50_000
DETECTS_BY = ("model.", "inference.")  # settings that detections depend on


class Dsfd:
    """See the module.

    Args:
        weights: a `.weights.h5` file; `config.json` beside it tells the network and how
            it detects, without which both are as published. Its caps do not count.
        threshold: score from which a detection is a face.

    Raises:
        ValueError: if the file is not there or does not fit.
    """

    def __init__(self, weights: pathlib.Path, threshold: float):
        stored = weights.with_name(workdir.CONFIG)
        trained = store.read(stored, "evaluate") if stored.exists() else Evaluate()
        trained, published = (_here(each, threshold) for each in (trained, Evaluate()))
        self._detect = inference.PhotoDetector(
            load_detector(trained.model, weights), trained.inference, final=True
        )
        self.sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self.settings = _changed(published, trained)
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


def _here(settings, threshold):
    """Return settings of an evaluation with what is decided here, not by a training."""
    changes = {
        "score_threshold": threshold,
        "max_candidates": MOST,
        "max_detections": MOST,
    }
    detection = dataclasses.replace(settings.inference, **changes)
    return dataclasses.replace(settings, inference=detection)


def _changed(published, trained):
    """Return `name=value` for what detections depend on and is not as published."""
    published = fields.flatten(published)
    return [
        f"{name}={fields.show(value)}"
        for name, value in fields.flatten(trained).items()
        if name.startswith(DETECTS_BY) and value != published[name]
    ]


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
