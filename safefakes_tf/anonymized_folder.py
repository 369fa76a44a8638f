"""What is written beside a folder of anonymized photos: logs, boxes, and a page."""

import csv
import dataclasses
import io
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from safefakes_tf import faces, provenance
from safefakes_tf.anonymizers.base import Anonymizer
from safefakes_tf.config import names
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors import registry as detectors
from safefakes_tf.detectors.registry import Detector
from safefakes_tf.photos.box_files.found import FoundPhoto

COLUMNS = (
    *("filename", "face", "action", "keypoints", "score", "source"),
    *("number", "x", "y", "width", "height"),  # of the box; the number over all photos
)
ANNOTATED = "annotated"  # source of a face that no detector found
# What the journal tells of a photo, beside actions and sources of keypoints; of scores,
# where faces were found.
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
    numbers = itertools.count(1)
    empty = [""] * (len(COLUMNS) - 3)
    for name, about in done.items():
        actions, keypoints = about[faces.ACTION], about[faces.KEYPOINTS_SOURCE]
        scores = about.get(SCORES, [None] * len(actions))
        rows = zip(actions, keypoints, scores, about[BOXES_OF], strict=True)
        for face, (action, points, score, box) in enumerate(rows):
            told = "" if score is None else f"{score:.4f}"
            action, points = faces.ACTIONS[action], faces.SOURCES[points]
            place = next(numbers), *(f"{value:.10g}" for value in box)
            table.writerow((name, face, action, points, told, source, *place))
        table.writerow((name, "", "written", *empty))
    table.writerows((name, "", "unreadable", *empty) for name in unreadable)
    return file.getvalue()


def counts_in_words(counts: Mapping[str, int], anonymizer: Anonymizer) -> str:
    """Return what was done to how many faces, for a person.

    Args:
        counts: those of `metadata`.
        anonymizer: that hid the faces.
    """
    actions = [counts[action] for action in faces.ACTIONS]
    kept, changed, black = actions
    verb = "generated" if names.network(anonymizer.name) else "hidden"
    parts = [f"{changed} {verb} by {anonymizer.name}"]
    parts += [f"{black} blacked out"] * bool(black) + [f"{kept} kept"] * bool(kept)
    if anonymizer.keypoints:
        sources = (f"{counts[f'keypoints {name}']} {name}" for name in faces.SOURCES)
        parts[-1] += f"; keypoints: {', '.join(sources)}"
    return f"{counts['photos']} photos, {sum(actions)} boxes: {', '.join(parts)}"


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


def about(
    photo: np.ndarray, boxes: np.ndarray, scores: np.ndarray | None = None
) -> dict[str, list]:
    """Return what the journal tells of the boxes on a photo.

    Args:
        photo: uint8 [H, W, 3].
        boxes: [N, 4], x y width height in pixels.
        scores: [N], where faces were found.
    """
    told = {SIZE: list(photo.shape[1::-1]), BOXES_OF: boxes.tolist()}
    return told if scores is None else {**told, SCORES: scores.tolist()}


def boxed_photos(done: Done) -> list[FoundPhoto]:
    """Return the photos with the boxes on them, and scores where they were found."""
    return [
        FoundPhoto(name, tuple(about[SIZE]), about[BOXES_OF], about.get(SCORES))
        for name, about in done.items()
    ]
