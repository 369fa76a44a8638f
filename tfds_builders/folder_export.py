"""A data set as a folder of photos, for programmes that know nothing of TFDS."""

import abc
import contextlib
import io
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

import tensorflow as tf
import tqdm
from PIL import Image

from safefakes_tf import faces
from safefakes_tf.photos.box_files import found
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes, is_inside

SUFFIXES = {"jpeg": (".jpg", ".jpeg"), "png": (".png",)}
METADATA = "metadata.json"


class Layout(abc.ABC):
    """Where photos of a data set lie, and the files of their annotations.

    Made anew for each folder. Annotations are those of the source: a data set that
    was made from it may have other keypoints.

    Attributes:
        SUFFIX: of the names of photos; None: that of their format.
    """

    SUFFIX: str | None = ".jpg"

    def __init__(self, folder: pathlib.Path, metadata: dict):
        """Begin an empty folder; `metadata` are those of the source."""
        self.folder, self.metadata = folder, metadata

    @abc.abstractmethod
    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        """Note the annotations of a photo.

        Args:
            split: of the photo.
            record: of the source, NumPy values; the photo is that of the source, too.
            photo: name, boxes and size of the photo that is written.

        Returns:
            Where the photo goes, below the folder.
        """

    @abc.abstractmethod
    def write_annotations(self) -> None:
        """Write what `add` noted."""


class Coco(Layout):
    """`images/<split>/` and `annotations/<split>.json`: for data sets made here.

    Photos get the suffix of their format, as the file of a split names them.
    """

    SUFFIX = None

    def __init__(self, folder: pathlib.Path, metadata: dict):
        super().__init__(folder, metadata)
        self._photos = {}

    def add(self, split: str, record: faces.Record, photo: PhotoBoxes) -> str:
        boxes = record[faces.BBOX_PIXELS].tolist()
        of_photo = found.FoundPhoto(photo.filename, photo.size, boxes)
        self._photos.setdefault(split, []).append(of_photo)
        return f"images/{split}/{photo.filename}"

    def write_annotations(self) -> None:
        (self.folder / "annotations").mkdir()
        for split, photos in self._photos.items():
            photos = sorted(photos, key=lambda photo: photo.filename)
            path = self.folder / "annotations" / f"{split}.json"
            path.write_text(found.to_json(photos))


def check(builder, output: str | os.PathLike) -> None:
    """Refuse, before anything is built, what `export` would.

    Raises:
        ValueError: as `export`.
    """
    if pathlib.Path(output).expanduser().exists():
        raise ValueError(f"{output} is there already; name a new folder with --output")
    if builder.LAYOUT.SUFFIX:
        _check_suffix(builder.LAYOUT.SUFFIX, builder.builder_config.image_format)


def _check_suffix(suffix, image_format):
    if suffix not in SUFFIXES[image_format]:
        named = "png" if suffix == ".png" else "jpeg"
        raise ValueError(
            f"photos of this data set are called *{suffix}, and would be {image_format}"
            f" files; add --set=data.image_format={named}"
        )


def export(builder, output: str | os.PathLike) -> pathlib.Path:
    """Write a prepared data set as a folder, whole or not at all.

    Args:
        builder: an `AnonymizedBuilder`, prepared; its `LAYOUT` is that of the folder.
        output: the folder to make.

    Returns:
        The folder.

    Raises:
        ValueError: if it is there already, the photos are stored in another format than
            the names of that layout say, or a name leads out of the folder.
    """
    check(builder, output)
    output = pathlib.Path(output).expanduser()
    output.parent.mkdir(parents=True, exist_ok=True)
    with _named_at_the_end(output) as folder:
        source = builder.source_builder()
        source.prepare()
        layout = builder.LAYOUT(folder, source.info.metadata)
        for split in builder.info.splits:
            for annotated, photo in _pairs(source, builder, split):
                _write(layout, split, annotated, photo)
        layout.write_annotations()
        metadata = dict(builder.info.metadata)
        (folder / METADATA).write_text(json.dumps(metadata, indent=2))
    return output


@contextlib.contextmanager
def _named_at_the_end(output) -> Iterator[pathlib.Path]:
    folder = output.with_name(f".{uuid.uuid4().hex}.partial")
    folder.mkdir()
    try:
        yield folder
        folder.replace(output)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _pairs(source, builder, split):
    """Yield the records of a split, of the source and of the data set."""
    both = tf.data.Dataset.zip(source.encoded(split), builder.encoded(split))
    bar = tqdm.tqdm(both, f"writing {split}", len(both), unit="photo", mininterval=1.0)
    for annotated, record in bar:
        if annotated[faces.FILENAME] != record[faces.FILENAME]:
            raise ValueError(
                f"{builder.data_path} has other photos than {source.data_path}; remove "
                "both, to have them made anew"
            )
        annotated = {key: value.numpy() for key, value in annotated.items()}
        yield annotated, record[faces.IMAGE].numpy()


def _write(layout, split, record, encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        image_format, size = image.format.lower(), image.size
    name = record[faces.FILENAME].decode()
    if not is_inside(name):
        raise ValueError(
            f"photos must lie inside the data set's folder; got {name!r}; build it anew"
        )
    suffix = pathlib.PurePosixPath(name).suffix.lower()
    if layout.SUFFIX:
        _check_suffix(suffix, image_format)
    elif suffix not in SUFFIXES[image_format]:
        name += SUFFIXES[image_format][0]
    boxes = record[faces.BBOX_PIXELS].astype(float)
    path = layout.folder / layout.add(split, record, PhotoBoxes(name, boxes, size))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(encoded)
