"""PIPA, untouched and anonymized."""

import itertools
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.config import PipaConfig
from safefakes_tf.keypoints import layouts, search
from safefakes_tf.photos import records, stored
from tfds_builders import features, raw_data
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.pipa import index_file
from tfds_builders.pipa.folder import Pipa

# What of a head is not face, where no face is found in it: shares of its sides.
ABOVE, BESIDE = 0.2, 0.1
_BOX_SOURCES = np.array([faces.FROM_HEAD, faces.FROM_MESH, faces.FROM_BLAZEFACE])


class Builder(AnonymizedBuilder):
    """PIPA with identities; keypoints and face boxes are searched in the heads.

    `faces/bbox` and `faces/bbox_pixels` are of the face, `faces/head_pixels` of the
    head as annotated.

    Source: datasets.md, PIPA.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = standard_configs(pipa=[PipaConfig(join_validation=True)])
    SPLITS = ("train", "validation", "test", "leftover")
    KEYPOINTS = layouts.FOUND
    IDENTITIES = True
    LAYOUT = Pipa
    OPTIONS = ("allow_partial", "pipa")
    HOMEPAGE = "https://people.eecs.berkeley.edu/~nzhang/piper.html"
    LICENSE = "PIPA: photos from Flickr, for research only."
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here annotations/index.txt (or all_data.txt), a line per head: photoset, photo,
    xmin, ymin, width, height, identity, subset; and the photos, in the folders train,
    val, test and leftover or all in one, named <photoset>_<photo>.jpg or <photo>.jpg.
    The archive is no longer on its page; there is no checksum of it.
    """

    def face_features(self) -> features.Features:
        """Return the features of heads, and where boxes of faces come from."""
        return {
            faces.BBOX_SOURCE: features.label_feature(faces.BOX_SOURCES),
            faces.HEAD_PIXELS: tfds.features.Tensor(shape=(None, 4), dtype=np.int32),
            faces.SUBSET: features.label_feature(index_file.SUBSETS),
        }

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the copy in a folder; None if there is none."""
        index = raw_data.find(folder, index_file.PLACES)
        if index is None:
            return None
        return raw_data.digest([index], _photo_folders(folder))

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return the records of the splits that have photos here.

        Raises:
            ValueError: if the list is missing or malformed, or photos are missing and
                `allow_partial` is off.
        """
        content = "annotations/index.txt and the photos of PIPA"
        folder = raw_data.existing_folder(dl_manager, self.raw_dir, content)
        listed = index_file.read(raw_data.require(folder, index_file.PLACES))
        paths = _paths(folder)
        here = {photo.number: _path(paths, photo) for photo in listed}
        present = [photo for photo in listed if here[photo.number]]
        if not self.builder_config.allow_partial:
            missing = [p.filename for p in listed if not here[p.number]]
            raw_data.refuse_missing(missing, len(listed), folder)
        if not present:
            raise ValueError(
                f"none of the photos of PIPA is in {folder}; expected e.g. "
                f"{listed[0].filename}"
            )
        splits = {}
        for photo in present:
            splits.setdefault(self._split(photo), []).append(photo)
        return {
            split: self._records([here[photo.number] for photo in photos], photos)
            for split, photos in splits.items()
        }

    def _split(self, photo):
        joined = self.builder_config.pipa.join_validation
        if joined and photo.subset_of_photo == index_file.VALIDATION:
            return "train"
        return index_file.SUBSETS[photo.subset_of_photo]

    def _records(self, paths, listed):
        """Yield the records of photos, of which several are searched at a time."""
        given = zip(listed, stored.read_all(paths, self.UPRIGHT), strict=True)
        given, searched = itertools.tee(given)
        found = search.find_all(
            ((file.encoded, _inner_boxes(photo, file)) for photo, file in searched),
            self.create_detector,
            search.num_processes(len(listed)),
        )
        for (photo, file), of_photo in zip(given, found, strict=True):
            boxes = _face_boxes(photo.heads, of_photo, file.height, file.width)
            yield {
                faces.IMAGE: file.encoded,
                faces.FILENAME: photo.filename,
                **records.from_pixel_boxes(boxes, file.height, file.width),
                faces.BBOX_SOURCE: _BOX_SOURCES[of_photo.source],
                faces.HEAD_PIXELS: photo.heads,
                faces.SUBSET: photo.subset,
                faces.IDENTITY: photo.identity,
                faces.KEYPOINTS: of_photo.keypoints,
                faces.HAS_KEYPOINTS: of_photo.source != faces.NOT_FOUND,
                faces.KEYPOINTS_SOURCE: of_photo.source,
            }


def _photo_folders(folder):
    named = map(folder.joinpath, index_file.FOLDERS)
    return [folder, *filter(pathlib.Path.is_dir, named)]


def _paths(folder):
    """Return the paths of the files in the folders of photos, by their names."""
    return {
        name: place / name
        for place in _photo_folders(folder)
        for name in raw_data.file_names(place)
    }


def _path(paths, photo):
    """Return the path of a photo; None if it is not there."""
    names = f"{photo.photoset}_{photo.number}.jpg", f"{photo.number}.jpg"
    return paths.get(names[0]) or paths.get(names[1])


def _inner_boxes(photo, file):
    """Return where in heads a face is looked for, float32 [N, 4] as of `Detector`."""
    boxes = records.relative(_without_hair(photo.heads), file.height, file.width)
    return np.clip(boxes, 0, 1)


def _without_hair(heads):
    x, y, width, height = heads.astype(np.float64).T
    return np.stack(
        [
            x + BESIDE * width,
            y + ABOVE * height,
            (1 - 2 * BESIDE) * width,
            (1 - ABOVE) * height,
        ],
        axis=1,
    )


def _face_boxes(heads, found, height, width):
    """Return int32 [N, 4], x y width height in pixels, of the faces in heads.

    They are those of what was found, as far as it lies in the head; else the head
    without what is usually hair.
    """
    outer = _corners(heads.astype(np.float64))
    guessed = _corners(_without_hair(heads))
    seen = found.areas[:, [1, 0, 3, 2]] * np.array([width, height] * 2)
    seen = np.clip(seen, np.tile(outer[:, :2], 2), np.tile(outer[:, 2:], 2))
    answered = found.source[:, np.newaxis] != faces.NOT_FOUND
    corners = np.where(answered, seen, guessed)
    near, far = np.floor(corners[:, :2]), np.ceil(corners[:, 2:])
    return np.concatenate([near, far - near], axis=1).astype(np.int32)


def _corners(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
