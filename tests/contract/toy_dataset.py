"""A data set in one module: grey photos with a bright square for a face."""

import pathlib
from collections.abc import Iterator
from typing import ClassVar

import cv2
import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.photos import records
from tfds_builders import builder, builder_config

HEIGHT, WIDTH = 96, 128


class Builder(builder.AnonymizedBuilder):
    """TFDS builder of `toy_photos`: no keypoints, identities or difficulties."""

    name = "toy_photos"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    BUILDER_CONFIGS = builder_config.standard_configs()
    pkg_dir_path = pathlib.Path(__file__).parent  # TFDS looks for a package of its own

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        return {split: _records(split) for split in self.SPLITS}


def _records(split):
    for index in range(4):
        rng = np.random.default_rng(index)
        photo = rng.integers(90, 110, [HEIGHT, WIDTH, 3], np.uint8)
        box = np.int32([[*rng.integers(8, 40, 2), 40, 40]])
        x, y, width, height = box[0]
        photo[y : y + height, x : x + width] = 230
        yield {
            faces.IMAGE: cv2.imencode(".png", photo)[1].tobytes(),
            faces.FILENAME: f"{split}/{index}.png",
            **records.from_pixel_boxes(box, HEIGHT, WIDTH),
        }
