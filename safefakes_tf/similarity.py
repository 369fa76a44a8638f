"""The photos of an anonymizer compared with the original ones, kept in a file."""

import contextlib
import dataclasses
import json
import pathlib
from typing import Any

from safefakes_tf import atomic
from safefakes_tf.config import DataConfig
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.evaluation.similarity import comparison
from tfds_builders import paired


def described(
    data: DataConfig, seed: int, config: SimilarityConfig, path: pathlib.Path
) -> dict[str, Any]:
    """Return the values of metrics and all that belongs to them.

    Args:
        data: photos and anonymizer; data sets that are not there are built.
        seed: of the run.
        config: metrics and faces.
        path: JSON file; what it holds is not computed again, unless for other
            settings, or if it is broken.

    Raises:
        ValueError: if photos are not here, do not pair or have no face to compare, or
            no metric can be computed.
    """
    known = _read(path)
    if known and known["settings"] == _settings(config):
        return known
    streams = paired.paired_streams(data, seed, config.reference, config.split)
    result = comparison.compare(*streams, config)
    told = comparison.describe(result, data, config) | {"settings": _settings(config)}
    atomic.write_text(path, json.dumps(told, indent=2))
    counts = ", ".join(f"{n} {name}" for name, n in told["actions"].items())
    print(
        f"{data.anonymizer}: {told['faces']} faces compared in {told['photos']} "
        f"photos, of which {told['photos_without_faces']} have none; faces {counts}"
    )
    for name, reason in result.left_out.items():
        print(f"{data.anonymizer}: {name} is left out: {reason}")
    for note in told["notes"]:
        print(note, flush=True)
    return told


def _read(path):
    """Return what a file tells; None if it is not there or broken."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        told = json.loads(path.read_bytes())
        if isinstance(told, dict) and {"settings", "faces", "values"} <= told.keys():
            return told
    return None


def _settings(config):
    """Return settings as JSON gives them back."""
    return json.loads(json.dumps(dataclasses.asdict(config)))
