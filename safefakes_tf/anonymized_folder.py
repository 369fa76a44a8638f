"""What is written beside a folder of anonymized photos: logs, boxes, and a page."""

import csv
import dataclasses
import io
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from safefakes_tf import atomic, faces, provenance, review
from safefakes_tf.anonymizers.base import Anonymizer
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors import registry as detectors
from safefakes_tf.detectors.found_faces import FoundFaces
from safefakes_tf.detectors.registry import Detector
from safefakes_tf.photos.box_files.found import FoundPhoto, to_json

LOG, METADATA, BOXES, REVIEW = "faces.csv", "metadata.json", "boxes.json", "review.html"
COLUMNS = ("filename", "face", "action", "keypoints", "score", "source")
ANNOTATED = "annotated"  # source of a face that no detector found
# What the journal tells of a photo, beside actions and sources of keypoints.
FOUND = SIZE, BOXES_OF, SCORES = "size", "boxes", "scores"

Done = Mapping[str, Mapping[str, Any]]  # photo -> what the journal tells of it


def log(done: Done, unreadable: Iterable[str], source: str) -> str:
    """Return `faces.csv`: a line per face, and one per photo, written or unreadable.

    Args:
        done: the photos.
        unreadable: names of those that do not decode.
        source: of the boxes, the name of a detector or `ANNOTATED`.
    """
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(COLUMNS)
    for name, about in done.items():
        actions, keypoints = about[faces.ACTION], about[faces.KEYPOINTS_SOURCE]
        scores = about.get(SCORES, [None] * len(actions))
        rows = zip(actions, keypoints, scores, strict=True)
        for face, (action, points, score) in enumerate(rows):
            told = "" if score is None else f"{score:.4f}"
            action, points = faces.ACTIONS[action], faces.SOURCES[points]
            table.writerow((name, face, action, points, told, source))
        table.writerow((name, "", "written", "", "", ""))
    table.writerows((name, "", "unreadable", "", "", "") for name in unreadable)
    return file.getvalue()


def metadata(
    settings: Anonymize, anonymizer: Anonymizer, detector: Detector | None, done: Done
) -> dict[str, Any]:
    """Return `metadata.json`: how the photos were made, and counts.

    Args:
        settings: of the run.
        anonymizer: that hid the faces.
        detector: that found them; None: they were annotated.
        done: the photos.
    """
    counts = provenance.Counts((faces.ACTION, faces.KEYPOINTS_SOURCE))
    for about in done.values():
        counts.add({**about, faces.BBOX: about[faces.ACTION]})
    data = settings.data
    options = {
        "anonymization": dataclasses.replace(data.anonymization, weights=None),
        "jpeg_quality": data.jpeg_quality,
    }
    if detector:
        found_by = detectors.resolved(settings.detection)
        options["detection"] = dataclasses.replace(found_by, weights=None)
    return {
        **provenance.describe(
            anonymizer.name,
            options,
            settings.seed,
            anonymizer.weights_sha256,
            getattr(anonymizer, "about", None),
        ),
        "detector_sha256": detector.sha256 if detector else None,
        "counts": counts.to_dict(),
    }


def about_found(found: FoundFaces, photo: np.ndarray) -> dict[str, list]:
    """Return what the journal tells of the faces found on a photo, uint8 [H, W, 3]."""
    values = list(photo.shape[1::-1]), found.boxes.tolist(), found.scores.tolist()
    return dict(zip(FOUND, values, strict=True))


def found_photos(done: Done) -> list[FoundPhoto]:
    """Return what was found on the photos of a run without annotations."""
    return [
        FoundPhoto(name, tuple(about[SIZE]), about[BOXES_OF], about[SCORES])
        for name, about in done.items()
    ]


def write_found(folder: pathlib.Path, photos: list[FoundPhoto], certain: float) -> None:
    """Write `boxes.json` and `review.html` beside photos whose faces were found."""
    atomic.write_text(folder / BOXES, to_json(photos))
    atomic.write_text(folder / REVIEW, review.page(photos, certain))
