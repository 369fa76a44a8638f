"""CelebA, untouched and anonymized."""

import collections
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from safefakes_tf import faces
from safefakes_tf.config import CelebaConfig
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos import records, stored
from tfds_builders import features, raw_data
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.celeba import tables
from tfds_builders.celeba.folder import PHOTOS, SPLITS, UNKNOWN, Celeba

CIAGAN = CelebaConfig(identities=1200)  # which 1,200 was not published: our choice
# Where photos may lie: as given out, and without the outer folder.
_PLACES = {
    aligned: (path, path.removeprefix("Img/")) for aligned, path in PHOTOS.items()
}
# A face's box around its five points, where none is annotated: beyond the eyes, to
# each side and above, and below the mouth, in distances from the eyes to the mouth.
_BESIDE, _ABOVE, _BELOW = 0.9, 1.1, 0.8


class Builder(AnonymizedBuilder):
    """CelebA in the wild or aligned, with identities where their table is.

    Source: datasets.md, CelebA with identities.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = standard_configs(
        celeba=[
            CIAGAN,
            CelebaConfig(aligned=True),
            CelebaConfig(aligned=True, identities=CIAGAN.identities),
        ]
    )
    SPLITS = SPLITS
    KEYPOINTS = layouts.CELEBA
    IDENTITIES = True
    LAYOUT = Celeba
    OPTIONS = ("allow_partial", "celeba")
    HOMEPAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    LICENSE = "CelebA: for non-commercial research only, and not to be redistributed."
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here, of CelebA: Img/img_celeba (from img_celeba.7z.001 to .014) with
    Anno/list_bbox_celeba.txt and Anno/list_landmarks_celeba.txt, or
    Img/img_align_celeba (from img_align_celeba.zip) with
    Anno/list_landmarks_align_celeba.txt; Eval/list_eval_partition.txt; and for CIAGAN
    Anno/identity_CelebA.txt. All tables may lie in the folder itself, also as .csv.
    The authors publish no checksums.
    """

    def face_features(self) -> features.Features:
        """Return where boxes come from, beside what is declared."""
        return {faces.BBOX_SOURCE: features.label_feature(faces.BOX_SOURCES)}

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the copy in a folder; None if there is none."""
        found = (raw_data.find(folder, tables.places(name)) for name in tables.TITLES)
        photos = raw_data.find(folder, _PLACES[self.builder_config.celeba.aligned])
        annotations = list(filter(None, found))
        return raw_data.digest(annotations, [_innermost(photos)] if photos else [])

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return the records of the splits that have photos here.

        Raises:
            ValueError: if a table is missing, malformed or at odds with another, or
                photos are missing and `allow_partial` is off.
        """
        config = self.builder_config.celeba
        content = "Img, Anno and Eval of CelebA"
        folder = raw_data.existing_folder(dl_manager, self.raw_dir, content)

        def required(name):
            return tables.read(raw_data.require(folder, tables.places(name)))

        partition = required(tables.PARTITION)
        _check_splits(partition)
        points = required(tables.ALIGNED_POINTS if config.aligned else tables.POINTS)
        # Boxes are of whole photos only.
        boxes = {} if config.aligned else required(tables.BOXES)
        identities = self._identities(folder)
        if config.identities:
            chosen = _most_shown(identities, partition, config.identities)
            partition = {
                name: row
                for name, row in partition.items()
                if SPLITS[row[0]] != "train" or identities.get(name) in chosen
            }
        for table in [points] if config.aligned else [points, boxes]:
            _check_rows(partition, table)
        place = _innermost(raw_data.require(folder, _PLACES[config.aligned]))
        here = raw_data.file_names(place)
        if not self.builder_config.allow_partial:
            missing = [name for name in partition if name not in here]
            raw_data.refuse_missing(missing, len(partition), place)
        if here.isdisjoint(partition):
            raise ValueError(f"none of the photos of CelebA is in {place}")
        splits = {}
        for name in filter(here.__contains__, partition):
            splits.setdefault(SPLITS[partition[name][0]], []).append(name)
        return {
            split: _records(place, names, points, boxes, identities)
            for split, names in splits.items()
        }

    def _identities(self, folder):
        """Return the table of identities; an empty one if it is not there."""
        path = raw_data.find(folder, tables.places(tables.IDENTITIES))
        if path:
            return tables.read(path)
        self.info.metadata["missing"] = f"{tables.IDENTITIES}.txt"
        if self.builder_config.celeba.identities:
            raw_data.require(folder, tables.places(tables.IDENTITIES)[:1])
        logging.warning("%s.txt is not here: no identities", tables.IDENTITIES)
        return {}


def _innermost(folder):
    """Return the folder of the same name in a folder, where an archive was unpacked."""
    inner = folder / folder.name
    return inner if inner.is_dir() else folder


def _check_splits(partition):
    wrong = [name for name, (number,) in partition.items() if number >= len(SPLITS)]
    if wrong:
        raise ValueError(
            f"{tables.PARTITION} must have 0, 1 or 2 for {wrong[0]}; got "
            f"{partition[wrong[0]][0]}; copy the file again"
        )


def _check_rows(partition, table):
    missing = partition.keys() - table.keys()
    if missing:
        raise ValueError(
            f"{len(missing)} photos of {tables.PARTITION} are not in the tables of "
            f"boxes and points, e.g. {min(missing)}; take all tables from one copy"
        )


def _most_shown(identities, partition, count):
    """Return rows of the identities with the most training photos."""
    shown = collections.Counter(
        identities[name]
        for name, (number,) in partition.items()
        if SPLITS[number] == "train" and name in identities
    )
    if len(shown) < count:
        raise ValueError(
            f"celeba.identities is {count}, but the training photos are of "
            f"{len(shown)} people; set it to no more"
        )
    return set(sorted(shown, key=lambda person: (-shown[person], person))[:count])


def _records(folder, names, points, boxes, identities) -> Iterator[faces.Record]:
    photos = stored.read_all((folder / name for name in names), Builder.UPRIGHT)
    for name, photo in zip(names, photos, strict=True):
        five = np.float64(points[name]).reshape(5, 2)
        size = np.float64([photo.width, photo.height])
        box, source = _face_box(boxes.get(name), five, size)
        relative = (five / size)[np.newaxis, :, ::-1].astype(np.float32)
        inside = ((relative >= 0) & (relative <= 1)).all(axis=(1, 2))
        yield {
            faces.IMAGE: photo.encoded,
            faces.FILENAME: name,
            **records.from_pixel_boxes(box[np.newaxis], photo.height, photo.width),
            faces.BBOX_SOURCE: np.int64([source]),
            faces.KEYPOINTS: relative * inside,
            faces.HAS_KEYPOINTS: inside,
            faces.IDENTITY: np.int64(identities.get(name, (UNKNOWN,))),
        }


def _face_box(annotated, five, size):
    """Return the box of the one face, int32 [4], x y width height, and its source.

    There are boxes without extent, and such that lie outside. As a face that has no box
    would stay as it is, the points give one then, or else it is the whole photo.
    """
    candidates = {faces.FROM_POINTS: _around(five)}
    if annotated is not None:
        candidates = {faces.FROM_ANNOTATION: np.int32(annotated), **candidates}
    for source, box in candidates.items():
        near, far = np.maximum(box[:2], 0), np.minimum(box[:2] + box[2:], size)
        if (far > near).all():
            return box, source
    return np.int32([0, 0, *size]), faces.FROM_PHOTO


def _around(five):
    """Return int32 [4], x y width height, of a face with five points, x y in pixels."""
    eyes, mouth = five[:2], five[3:]
    unit = np.linalg.norm(mouth.mean(axis=0) - eyes.mean(axis=0))
    near = [five[:, 0].min() - _BESIDE * unit, eyes[:, 1].min() - _ABOVE * unit]
    far = [five[:, 0].max() + _BESIDE * unit, mouth[:, 1].max() + _BELOW * unit]
    return np.int32(np.round([*near, *np.subtract(far, near)]))
