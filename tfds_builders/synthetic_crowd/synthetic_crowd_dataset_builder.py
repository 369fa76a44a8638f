"""Crowds that nobody photographed: composed from a seed and a bank of drawn heads."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.config import CrowdConfig
from safefakes_tf.photos import records
from tfds_builders import features
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.synthetic_crowd import annotations, composing


class Builder(AnonymizedBuilder):
    """TFDS builder of `synthetic_crowd`; needs no download and no folder."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First scenes."}
    BUILDER_CONFIGS = standard_configs()
    KEYPOINTS = "ibug68"
    IDENTITIES = True
    DIFFICULTIES = True
    OPTIONS = ("crowd",)

    def face_features(self) -> features.Features:
        """Return the features of WIDER FACE's attributes."""
        return features.attribute_features()

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return per split its records, composed as they are asked for."""
        del dl_manager  # nothing is downloaded
        config = self.builder_config.crowd
        counts = {"train": config.num_train, "validation": config.num_validation}
        return {
            split: _records(config, split, count) for split, count in counts.items()
        }


def _records(config: CrowdConfig, split, count):
    processes = composing.num_processes(count)
    scenes = composing.compose_all(config, split, count, processes)
    for index, scene in enumerate(scenes):
        record = to_record(scene.faces, config.height, config.width)
        record[faces.IMAGE] = scene.jpeg
        record[faces.FILENAME] = f"{split}/{index:06d}.jpg"
        yield record


def to_record(found: annotations.Annotation, height: int, width: int) -> faces.Record:
    """Return the faces of a photo under the keys of the record.

    Args:
        found: the annotated faces, in pixels.
        height, width: size of the photo, pixels.

    Returns:
        The record without photo and file name. A face of which a keypoint lies outside
        the photo has none: relative coordinates stay in [0, 1].
    """
    points = found.keypoints / np.array([height, width], np.float32)
    inside = ((points >= 0) & (points <= 1)).all(axis=(1, 2))
    return {
        **records.from_pixel_boxes(found.boxes, height, width),
        faces.KEYPOINTS: np.where(inside[:, None, None], points, 0).astype(np.float32),
        faces.HAS_KEYPOINTS: inside,
        faces.IDENTITY: found.identity,
        faces.BLUR: found.blur,
        faces.EXPRESSION: found.expression,
        faces.ILLUMINATION: found.illumination,
        faces.OCCLUSION: found.occlusion,
        faces.POSE: found.pose,
        faces.INVALID: found.invalid,
        faces.EASY: found.easy,
        faces.MEDIUM: found.medium,
        faces.HARD: found.hard,
    }
