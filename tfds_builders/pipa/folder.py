"""PIPA's folders and list of heads, to be written."""

import pathlib

from safefakes_tf import faces
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders import folder_export
from tfds_builders.pipa import index_file


class Pipa(folder_export.Layout):
    """`train/`, `val/`, `test/`, `leftover/` and `annotations/index.txt`."""

    def __init__(self, folder: pathlib.Path, metadata: dict):
        super().__init__(folder, metadata)
        self._photos = []

    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        photoset, number = pathlib.PurePosixPath(photo.filename).stem.split("_")
        rows = (
            record[key] for key in (faces.HEAD_PIXELS, faces.IDENTITY, faces.SUBSET)
        )
        self._photos.append(index_file.Photo(photoset, number, *rows))
        return photo.filename

    def write_annotations(self) -> None:
        path = self.folder / index_file.PLACES[0]
        path.parent.mkdir()
        photos = sorted(self._photos, key=lambda photo: photo.filename)
        path.write_text(index_file.to_text(photos))
