"""Flickr Diverse Faces, untouched and anonymized."""

import itertools
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.config import FdfConfig
from safefakes_tf.config.data import FDF_SIDES
from safefakes_tf.photos import records, stored
from tfds_builders import features, raw_data
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.fdf import metadata, raw_files
from tfds_builders.fdf.folder import Fdf

STUDY = FdfConfig(first=100_000)
FRACTIONS = (0.01, 0.1, 0.5)


class Builder(AnonymizedBuilder):
    """FDF with DeepPrivacy's seven keypoints; an image is the context crop of its face.

    Source: datasets.md, FDF.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = standard_configs(
        fdf=[
            STUDY,
            *(FdfConfig(first=fraction) for fraction in FRACTIONS),
            *(FdfConfig(size=size) for size in FDF_SIDES[:-1]),
        ]
    )
    KEYPOINTS = "deepprivacy7"
    LAYOUT = Fdf
    OPTIONS = ("allow_partial", "fdf")
    HOMEPAGE = "https://github.com/hukkelas/FDF"
    LICENSE = (
        "FDF: of each image its own, CC BY, BY-SA, BY-NC or BY-NC-SA 2.0, in "
        "image/license; name image/author."
    )
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here, as download.py of https://github.com/hukkelas/FDF unpacks them:
    fdf_metainfo.json (from metainfo.zip), images/128/<index>.png (or 4 to 64; from the
    zips cc-by-2, cc-by-nc-2, cc-by-nc-sa-2 and cc-by-sa-2) and, where they are there,
    landmarks.npy and bounding_box/128.torch. The authors publish no checksums.
    """

    def face_features(self) -> features.Features:
        """Return the features of context crops, licences and authors."""
        texts = metadata.TEXTS.values()
        return {
            faces.CONTEXT: tfds.features.Tensor(shape=(None, 4), dtype=np.float32),
            **{key: tfds.features.Text() for key in texts},
        }

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the copy in a folder; see `raw_files.digest`."""
        return raw_files.digest(folder, self.builder_config.fdf.size)

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return the records of the splits that have images here.

        Raises:
            ValueError: if a file is missing or malformed, or images are missing and
                `allow_partial` is off.
        """
        content = "fdf_metainfo.json and images of FDF"
        folder = raw_data.existing_folder(dl_manager, self.raw_dir, content)
        size = self.builder_config.fdf.size
        images = raw_data.require(folder, [raw_files.images_name(size)])
        path = raw_data.require(folder, [metadata.FILE])
        survey = metadata.survey(path)
        count = survey.listed.size
        wanted = survey.listed & ~_beyond(survey, self.builder_config.fdf.first)
        here = raw_files.present(images, count)
        absent = np.flatnonzero(wanted & ~here)
        if not self.builder_config.allow_partial:
            missing = [f"{index}.png" for index in absent]
            raw_data.refuse_missing(missing, int(wanted.sum()), images)
        self.info.metadata["absent"] = absent.size
        self.info.metadata["exchanged"] = survey.exchanged
        arrays = _Arrays(
            raw_files.read_landmarks(folder, count),
            raw_files.read_boxes(folder, size, count),
            survey.exchanged,
        )
        wanted &= here
        if not wanted.any():
            raise ValueError(f"none of the images of {metadata.FILE} is in {images}")
        parts = {"train": survey.is_training, "validation": ~survey.is_training}
        return {
            split: _records(path, images, wanted & part, arrays, size)
            for split, part in parts.items()
            if (wanted & part).any()
        }


class _Arrays(NamedTuple):
    """What replaces the metadata's coordinates, where the files are there.

    Attributes:
        landmarks, boxes: as `raw_files` reads them, or None.
        exchanged: see `metadata.Survey`.
    """

    landmarks: np.ndarray | None
    boxes: np.ndarray | None
    exchanged: bool

    def points(self, entry):
        """Return float32 [1, 7, 2], y x in sides of the image, DeepPrivacy's order."""
        found = entry.points if self.landmarks is None else self.landmarks[entry.index]
        if self.exchanged:
            found = found[[*metadata.EXCHANGED]]
        return found[np.newaxis, :, ::-1].astype(np.float32)

    def box(self, entry, size):
        """Return int32 [1, 4], x y width height in pixels.

        Without an extent in the image it is the whole image: there is a face on it.
        """
        if self.boxes is None:
            corners = np.round(entry.box * size)
        else:
            corners = self.boxes[entry.index].astype(np.float64)
        near, far = np.split(corners, 2)
        if not (np.minimum(far, size) > np.maximum(near, 0)).all():
            near, far = np.zeros(2), np.full(2, size)
        return np.concatenate([near, far - near])[np.newaxis].astype(np.int32)


def _beyond(survey, first):
    """Return bool [N]: training images that come after the first so many."""
    indices = np.flatnonzero(survey.is_training)
    count = int(first) if first > 1 else max(round(first * indices.size), 1)
    beyond = np.zeros(survey.listed.size, bool)
    beyond[indices[count:]] = True
    return beyond


def _records(path, images, wanted, arrays, size) -> Iterator[faces.Record]:
    entries, ahead = itertools.tee(metadata.read(path, wanted))
    paths = (images / f"{entry.index}.png" for entry in ahead)
    for entry, photo in zip(entries, stored.read_all(paths), strict=True):
        if (photo.height, photo.width) != (size, size):
            raise ValueError(
                f"{images / f'{entry.index}.png'} must have {size} x {size} px; got "
                f"{photo.width} x {photo.height}; copy it again"
            )
        yield {
            faces.IMAGE: photo.encoded,
            faces.FILENAME: f"{raw_files.images_name(size)}/{entry.index}.png",
            **records.from_pixel_boxes(arrays.box(entry, size), size, size),
            faces.CONTEXT: np.float32([[0, 0, 1, 1]]),
            faces.KEYPOINTS: arrays.points(entry),
            faces.HAS_KEYPOINTS: np.ones(1, bool),
            **{key: entry.texts[name] for name, key in metadata.TEXTS.items()},
        }
