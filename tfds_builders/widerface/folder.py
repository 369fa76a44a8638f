"""WIDER FACE's folders, text files and lists of difficulties, to be written."""

import pathlib

import numpy as np

from safefakes_tf import faces
from safefakes_tf.photos.box_files import wider, wider_mat
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders import folder_export

PARTS = {"train": "train", "validation": "val", "test": "test"}  # by split


class Wider(folder_export.Layout):
    """`WIDER_<part>/images/` and `wider_face_split/`, as they are given out."""

    def __init__(self, folder: pathlib.Path, metadata: dict):
        super().__init__(folder, metadata)
        self._photos = {part: [] for part in PARTS.values()}
        self._counting = {name: {} for name in wider.DIFFICULTIES}

    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        labels = [record[f"faces/{name}"] for name in wider.ATTRIBUTES]
        rows = np.column_stack([record[faces.BBOX_PIXELS], *labels]).astype(np.int32)
        part = PARTS[split]
        self._photos[part].append(wider.Annotation(photo.filename, rows))
        if part == "val":
            name = photo.filename.rsplit(".", 1)[0]
            for difficulty, counting in self._counting.items():
                counting[name] = record[f"faces/{difficulty}"]
        return f"WIDER_{part}/images/{photo.filename}"

    def write_annotations(self) -> None:
        folder = self.folder / "wider_face_split"
        folder.mkdir()
        for part, photos in self._photos.items():
            photos = sorted(photos, key=lambda photo: photo.filename)
            text = wider.to_text(photos)
            if part == "test":  # of which faces are not published
                text = "".join(f"{photo.filename}\n" for photo in photos)
            if photos:
                (folder / wider.TEXTS[part]).write_text(text)
        if self._photos["val"] and self.metadata["difficulties"]:
            for name, counting in self._counting.items():
                ordered = dict(sorted(counting.items()))
                wider_mat.write_difficulty(folder / wider_mat.LISTS[name], ordered)
