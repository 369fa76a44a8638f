"""FDF's images and metadata, to be written."""

import json
import pathlib

import numpy as np

from safefakes_tf import faces
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders import folder_export
from tfds_builders.fdf import metadata

CATEGORY = {split: name for name, split in metadata.CATEGORIES.items()}


class Fdf(folder_export.Layout):
    """`images/<size>/` and `fdf_metainfo.json`, written entry by entry."""

    SUFFIX = ".png"

    def __init__(self, folder: pathlib.Path, about: dict):
        super().__init__(folder, about)
        self._file = (folder / metadata.FILE).open("w")
        self._before = "{"

    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        near, extent = np.split(photo.boxes[0] / photo.size[0], 2)
        points = record[faces.KEYPOINTS][0, :, ::-1]
        if self.metadata["exchanged"]:
            points = points[[*metadata.EXCHANGED]]
        entry = {
            "category": CATEGORY[split],
            "bounding_box": [*near, *(near + extent)],
            "landmark": points.tolist(),
            **{name: record[key].decode() for name, key in metadata.TEXTS.items()},
        }
        index = pathlib.PurePosixPath(photo.filename).stem
        self._file.write(f"{self._before}{json.dumps(index)}: {json.dumps(entry)}")
        self._before = ",\n"
        return photo.filename

    def write_annotations(self) -> None:
        self._file.write("}\n")
        self._file.close()
