"""A folder of one's own photos, untouched and anonymized."""

import dataclasses
import hashlib
import pathlib
import zlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.photos import (
    box_files,
    checks,
    formats,
    inspection,
    name_matching,
    reader,
    records,
    stored,
)
from tfds_builders import features, raw_data
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.own_faces import found, people, splits

# What CIAGAN needs to know.
_NAMES = "a column `person` in a CSV file, or data.own_faces.identity_folders"


class Builder(AnonymizedBuilder):
    """A folder of photos with boxes in any format of `box_files`, or with none.

    Without annotations faces are searched, and boxes grown so that they hide them.

    Boxes are for photos as viewers show them; those that are stored turned come
    upright. `faces/identity` is -1 where nobody tells whose face it is. A region of
    many faces is hidden like a face, and `faces/invalid`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = standard_configs()
    IDENTITIES = True
    UPRIGHT = True
    OPTIONS = ("allow_partial", "own_faces")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here your photos, in any sub-folders; a file of boxes on them, which the option
    own_faces.annotations names; and, if you like, divide them into train/ and
    validation/.
    """

    def face_features(self) -> features.Features:
        """Return the feature that tells regions of many faces from single faces."""
        return {faces.INVALID: features.flag_feature()}

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the photos' names and sizes, and of files named beside."""
        options = self.builder_config.own_faces
        found = [
            f"{path.relative_to(folder).as_posix()} {path.stat().st_size}"
            for path in _files(folder)
            if formats.is_photo(path.name)
        ]
        if not found:
            return None
        beside = options.annotations, options.validation_list, options.detection.weights
        for name in filter(None, beside):
            path = splits.find(folder, name)
            for file in [path] if path.is_file() else _files(path):
                found.append(f"{file.name} {zlib.crc32(file.read_bytes())}")
        # Names may be no UTF-8, also of photos that the annotations leave out.
        told = "\n".join(found).encode(errors="surrogateescape")
        return hashlib.sha256(told).hexdigest()

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return the records of the splits that have photos.

        Raises:
            ValueError: if photos or annotations are not there, or not as they should
                be; see `box_files`, `checks` and `splits`.
        """
        options = self.builder_config.own_faces
        folder = raw_data.existing_folder(dl_manager, self.raw_dir, "your photos")
        listed, checksums = self._listed(folder, options)
        split_of = splits.split_of_each(
            folder, [photo.filename for photo in listed], options
        )
        identities = people.identities(listed, options.identity_folders)
        if all((known == people.UNKNOWN).all() for known in identities.values()):
            self.info.metadata["missing"] = _NAMES
        parts = {
            split: [photo for photo in listed if split_of[photo.filename] == split]
            for split in self.SPLITS
        }
        return {
            split: self._records(folder, photos, identities, checksums)
            for split, photos in parts.items()
            if photos
        }

    def _listed(self, folder, options):
        """Return the photos with their boxes, which fit or were found.

        Also returned: the checksums of those on which faces were found.
        """
        if options.annotations is None:
            detection = options.detection
            if detection.weights is not None:
                weights = str(splits.find(folder, detection.weights))
                detection = dataclasses.replace(detection, weights=weights)
            self.info.metadata["faces"] = f"found by {detection.detector}"
            listed = list(found.photos(folder, detection))
            checksums = {photo.filename: checksum for photo, checksum in listed}
            return [photo for photo, _ in listed], checksums
        annotations = splits.find(folder, options.annotations)
        _, listed = box_files.load(annotations, options.category)
        listed = name_matching.match(folder, listed)
        partial = self.builder_config.allow_partial
        if partial:
            listed = [photo for photo in listed if (folder / photo.filename).is_file()]
        checks.check_present(folder, listed)
        filenames = [photo.filename for photo in listed]
        seen = inspection.inspect(folder, filenames, reader.MAX_MEGAPIXELS)
        if not partial:
            inspection.refuse_unreadable(seen, "--set=data.allow_partial=true")
        listed = [photo for photo in listed if photo.filename in seen.seen]
        if not listed:
            raise ValueError(
                f"none of the photos that {annotations} names is in {folder}; name "
                "theirs with --manual_dir"
            )
        listed = checks.fitted(listed, seen.seen, options.box_units)
        sizes = {name: (each.size[1], each.size[0]) for name, each in seen.seen.items()}
        return [photo._replace(size=sizes[photo.filename]) for photo in listed], {}

    def _records(self, folder, listed, identities, checksums):
        paths = (folder / photo.filename for photo in listed)
        files = stored.read_all(paths, self.UPRIGHT)
        for photo, file in zip(listed, files, strict=True):
            known = photo.size, checksums.get(photo.filename, file.checksum)
            if known != ((file.width, file.height), file.checksum):
                raise ValueError(
                    f"{folder / photo.filename} was replaced while the data set was "
                    "made of it; start again"
                )
            boxes = _in_whole_pixels(photo.boxes)
            yield {
                faces.IMAGE: file.encoded,
                faces.FILENAME: photo.filename,
                **records.from_pixel_boxes(boxes, file.height, file.width),
                faces.IDENTITY: identities[photo.filename],
                faces.INVALID: np.isin(np.arange(len(boxes)), photo.regions),
            }


def _files(folder):
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def _in_whole_pixels(boxes):
    """Return int32 [N, 4] that cover boxes, float64 [N, 4], x y width height each."""
    near, far = np.floor(boxes[:, :2]), np.ceil(boxes[:, :2] + boxes[:, 2:])
    return np.concatenate([near, far - near], axis=1).astype(np.int32)
