"""What was done to photos, and by what: `metadata.json` of data sets and folders."""

import dataclasses
import json
from collections.abc import Collection
from typing import Any

import numpy as np

import safefakes_tf
from safefakes_tf import arithmetic, faces
from safefakes_tf.anonymizers import generator_files

_LABELS = {
    faces.ACTION: faces.ACTIONS,
    faces.KEYPOINTS_SOURCE: [f"keypoints {name}" for name in faces.SOURCES],
}


def describe(
    anonymizer: str,
    options: dict[str, Any],
    seed: int,
    weights_sha256: str | None = None,
    about: generator_files.About | None = None,
) -> dict[str, Any]:
    """Return what photos were made by, as JSON has it.

    Args:
        anonymizer: its name, or `source`.
        options: all that the photos depend on; values may be dataclasses. No path in
            them: those tell about the machine, not about the photos.
        seed: of the run.
        weights_sha256: of the file of its generator, if it has one.
        about: what that file tells.

    Returns:
        The values under `anonymizer`, `options`, `weights_sha256`, `weights_origin`,
        `demonstration_weights` (these are None without a generator), `seed`,
        `code_version`, `arithmetic`, and `counts`, still empty. Made by the same in the
        same arithmetic, photos have the same bytes.
    """
    return {
        "anonymizer": anonymizer,
        "options": json.loads(json.dumps(options, default=dataclasses.asdict)),
        "weights_sha256": weights_sha256,
        "weights_origin": about.origin if about else None,
        "demonstration_weights": about.demonstration if about else None,
        "seed": seed,
        "code_version": safefakes_tf.__version__,
        "arithmetic": arithmetic.describe(),
        "counts": {},
    }


class Counts:
    """Counts photos, faces, what was done to them, and who found their keypoints."""

    def __init__(self, keys: Collection[str]):
        """Begin at zero; `keys` are those of the records."""
        self._photos = self._faces = 0
        self._labels = {
            key: np.zeros(len(names), np.int64)
            for key, names in _LABELS.items()
            if key in keys
        }

    def add(self, record: faces.Record) -> None:
        """Count a photo and its faces."""
        self._photos += 1
        self._faces += len(record[faces.BBOX])
        for key, sums in self._labels.items():
            labels = np.asarray(record[key], np.int64)
            sums += np.bincount(labels, minlength=len(sums))

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        counts = {"photos": self._photos, "faces": self._faces}
        for key, sums in self._labels.items():
            counts |= dict(zip(_LABELS[key], sums.tolist(), strict=True))
        return counts
