"""A data set for tests of what all builders share, and short ways to it."""

import pathlib
from typing import Any

import fake_keypoints
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.photos import stored
from tfds_builders import features
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import AnonymizedConfig, standard_configs

NUM_PHOTOS = 7  # of each split


class ToyFaces(AnonymizedBuilder):
    """A few photos of noise; the last has no face, the first is one pixel large."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = standard_configs()
    pkg_dir_path = pathlib.Path(__file__).parent  # TFDS looks for a package of its own
    create_detector = fake_keypoints.FakeDetector
    broken = False

    def face_features(self):
        return {
            faces.BLUR: features.label_feature(("clear", "normal", "heavy")),
            faces.INVALID: features.flag_feature(),
        }

    def source_examples(self, dl_manager):
        return {"train": self._records("train"), "validation": self._records("val")}

    def _records(self, split):
        generator = np.random.default_rng(len(split))
        for index in range(NUM_PHOTOS):
            name = f"{split}/{index}.jpg"
            side = 1 if index == 0 else 60 + index
            image = generator.integers(0, 256, (side, 2 * side - 1, 3), np.uint8)
            encoded = tf.io.encode_jpeg(image).numpy()
            photo = stored.check(encoded[: -20 if self.broken else None], name)
            count = 0 if index == NUM_PHOTOS - 1 else 2
            boxes = np.float32([[0.0, 0.1, 0.5, 0.4], [0.25, 0.3, 1.0, 1.0]])
            y0, x0, y1, x1 = (boxes * ([side, 2 * side - 1] * 2)).T
            pixels = np.stack([x0, y0, x1 - x0, y1 - y0], axis=-1)
            yield {
                faces.IMAGE: photo.encoded,
                faces.FILENAME: name,
                faces.BBOX: boxes[:count],
                faces.BBOX_PIXELS: np.int32(pixels)[:count],
                faces.BLUR: np.int64([2, 0])[:count],
                faces.INVALID: np.bool_([False, True])[:count],
            }


Builder = ToyFaces  # where the registry looks


def toy(data_dir: pathlib.Path, **options: Any) -> ToyFaces:
    """Return the builder of toy faces; `options` are those of `AnonymizedConfig`."""
    config = AnonymizedConfig(**options)
    listed = config.name in ToyFaces.builder_configs
    return ToyFaces(config=config.name if listed else config, data_dir=str(data_dir))


def records_of(builder: AnonymizedBuilder, split: str = "train") -> list[faces.Record]:
    """Return the records of a split as arrays, in their order."""
    return list(builder.as_dataset(split=split).as_numpy_iterator())
