"""CelebA's folders and tables, to be written."""

import pathlib

import numpy as np

from safefakes_tf import faces
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders import folder_export
from tfds_builders.celeba import tables

PHOTOS = {False: "Img/img_celeba", True: "Img/img_align_celeba"}  # aligned?
SPLITS = ("train", "validation", "test")  # by number in the table
UNKNOWN = -1  # identity


class Celeba(folder_export.Layout):
    """`Img/`, `Anno/` and `Eval/`, as they are given out."""

    def __init__(self, folder: pathlib.Path, metadata: dict):
        super().__init__(folder, metadata)
        part = metadata["options"].get("celeba", {})
        self._aligned = part.get("aligned", False)
        points = tables.ALIGNED_POINTS if self._aligned else tables.POINTS
        names = (points, tables.BOXES, tables.IDENTITIES, tables.PARTITION)
        self._tables = {name: {} for name in names}

    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        name, (identity,) = photo.filename, record[faces.IDENTITY]
        points, boxes, identities, partition = self._tables.values()
        five = record[faces.KEYPOINTS][0, :, ::-1] * photo.size
        points[name] = tuple(np.round(five).astype(int).ravel())
        boxes[name] = tuple(record[faces.BBOX_PIXELS][0])
        partition[name] = (SPLITS.index(split),)
        if identity != UNKNOWN:
            identities[name] = (identity,)
        return f"{PHOTOS[self._aligned]}/{name}"

    def write_annotations(self) -> None:
        if self._aligned:  # of which nobody annotated boxes
            del self._tables[tables.BOXES]
        for name, rows in self._tables.items():
            path = self.folder / tables.places(name)[0]
            path.parent.mkdir(exist_ok=True)
            if rows:
                path.write_text(tables.to_text(name, dict(sorted(rows.items()))))
