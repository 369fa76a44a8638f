"""Crowds that nobody photographed: composed from a seed and a bank of drawn heads."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.config import CrowdConfig
from tfds_builders import builder as builders
from tfds_builders.synthetic_crowd import annotations, heads, scenes


class Builder(builders.AnonymizedBuilder):
    """TFDS builder of `synthetic_crowd`; needs no download and no folder."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First scenes."}
    BUILDER_CONFIGS = builders.standard_configs()

    def face_features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Return the features of the faces; see `builders.AnonymizedBuilder`."""
        return {
            faces.BBOX_PIXELS: tfds.features.Tensor(shape=(None, 4), dtype=np.int32),
            faces.KEYPOINTS: tfds.features.Tensor(
                shape=(None, 68, 2), dtype=np.float32
            ),
            faces.HAS_KEYPOINTS: builders.flag_feature(),
            faces.IDENTITY: tfds.features.Tensor(shape=(None,), dtype=np.int64),
            faces.BLUR: builders.label_feature(("clear", "normal", "heavy")),
            faces.EXPRESSION: builders.label_feature(("typical", "exaggerated")),
            faces.ILLUMINATION: builders.label_feature(("normal", "extreme")),
            faces.OCCLUSION: builders.label_feature(("none", "partial", "heavy")),
            faces.POSE: builders.label_feature(("typical", "atypical")),
            faces.INVALID: builders.flag_feature(),
            faces.EASY: builders.flag_feature(),
            faces.MEDIUM: builders.flag_feature(),
            faces.HARD: builders.flag_feature(),
        }

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return per split its records, composed as they are asked for."""
        del dl_manager  # nothing is downloaded
        config = self.builder_config.crowd
        bank = heads.load()
        composer = scenes.Composer(bank, config)
        tiles = scenes.split_tiles(bank)
        counts = {"train": config.num_train, "validation": config.num_validation}
        return {
            split: _records(composer, config, split, tiles[split], count)
            for split, count in counts.items()
        }


def _records(composer, config: CrowdConfig, split, tiles, count):
    for index in range(count):
        rng = scenes.random_generator(config.seed, split, index)
        scene = composer.compose(rng, tiles)
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
    size = np.array([height, width], np.float32)
    corners = np.concatenate(
        [found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]], 1
    )
    relative = corners[:, [1, 0, 3, 2]] / np.tile(size, 2)
    points = found.keypoints / size
    inside = ((points >= 0) & (points <= 1)).all(axis=(1, 2))
    return {
        faces.BBOX: np.clip(relative, 0, 1).astype(np.float32),
        faces.BBOX_PIXELS: found.boxes,
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
