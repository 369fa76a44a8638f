"""WIDER FACE, untouched and anonymized."""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from safefakes_tf import faces
from safefakes_tf.photos import records, stored
from safefakes_tf.photos.box_files import wider, wider_mat
from tfds_builders import features, raw_data
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs
from tfds_builders.widerface import raw_files
from tfds_builders.widerface.folder import PARTS, Wider

_SPLITS = {part: split for split, part in PARTS.items()}


class Builder(AnonymizedBuilder):
    """WIDER FACE with all attributes and the easy, medium and hard flags.

    The name differs from TFDS' own `wider_face`, which has neither the pixel boxes nor
    the flags.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = standard_configs()
    SPLITS = tuple(_SPLITS.values())
    DIFFICULTIES = True
    LAYOUT = Wider
    HOMEPAGE = raw_files.PAGE
    LICENSE = "WIDER FACE is for non-commercial research."
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here, unpacked or as zips: WIDER_train (1,465,602,149 bytes, SHA-256
    e23b76129c825cafae8be944f65310b2e1ba1c76885afe732f179c41e5ed6d59), WIDER_val
    (362,752,168 bytes,
    f9efbd09f28c5d2d884be8c0eaef3967158c866a593fc36ab0413e4b2a58a17a), WIDER_test
    (1,844,140,520 bytes,
    3b0313e11ea292ec58894b47ac4c0503b230e12540330845d70a7798241f88d3),
    wider_face_split (3,591,642 bytes,
    c7561e4f5e7a118c249e0a5c5c902b0de90bbf120d7da9fa28d99041f68a8a5c) and eval_tools
    (or its three files wider_{easy,medium,hard}_val.mat; without them all faces of the
    validation count). Without the first four they are downloaded.
    """

    def face_features(self) -> features.Features:
        """Return the features of WIDER FACE's attributes."""
        return features.attribute_features()

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the copy in a folder; see `raw_files.digest`."""
        return raw_files.digest(folder)

    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[faces.Record]]:
        """Return the records of the splits whose photos and annotations are here.

        Raises:
            ValueError: if files are missing and `allow_partial` is off, or an
                annotation file is malformed.
        """
        with raw_data.unpacking(dl_manager, self.name, raw_files.ARCHIVES):
            found = raw_files.find(dl_manager, self.raw_dir)
        allow_partial = self.builder_config.allow_partial
        listed = {part: _listed(found, part, allow_partial) for part in _SPLITS}
        present = {part: _present(found, part, listed[part]) for part in _SPLITS}
        if not allow_partial:
            _refuse_missing(listed, present)
        if not any(present.values()):
            raise ValueError(
                f"none of the photos listed in {found.annotations} is beside it; "
                "expected e.g. WIDER_val/images/<event>/<name>.jpg"
            )
        difficulties = {
            name: wider_mat.Difficulty(path)
            for name, path in found.difficulties.items()
        }
        self.info.metadata["difficulties"] = bool(difficulties)
        if not difficulties:
            logging.warning(
                "%s are not here: all faces of the validation count",
                ", ".join(wider_mat.LISTS.values()),
            )
        return {
            _SPLITS[part]: _records(part, found.photos[part], photos, difficulties)
            for part, photos in present.items()
            if photos
        }


def _listed(found, part, allow_partial):
    """Return the annotations of a part; none where a partial copy lacks the file."""
    path = found.annotations / wider.TEXTS[part]
    if path.is_file():
        return (wider.read_names if part == "test" else wider.read_boxes)(path)
    if allow_partial:
        return []
    raise ValueError(
        f"{path} is missing; unpack wider_face_split.zip again, or accept a partial "
        "copy with --set=data.allow_partial=true; for photos of your own, take "
        "--dataset=own_faces"
    )


def _present(found, part, listed):
    folder = found.photos.get(part)
    if folder is None:
        return []
    return [photo for photo in listed if (folder / photo.filename).is_file()]


def _refuse_missing(listed, present):
    missing = [
        f"WIDER_{part}/images/{name}"
        for part, photos in listed.items()
        for name in sorted(_names(photos) - _names(present[part]))
    ]
    if missing:
        raise ValueError(
            f"{len(missing)} of {sum(map(len, listed.values()))} photos of WIDER FACE "
            f"are missing, e.g. {missing[0]}; copy them, or accept a partial copy with "
            "--set=data.allow_partial=true"
        )


def _names(photos):
    return {photo.filename for photo in photos}


def _records(part, folder, listed, difficulties) -> Iterator[faces.Record]:
    paths = (folder / photo.filename for photo in listed)
    photos = stored.read_all(paths, Builder.UPRIGHT)
    for annotation, photo in zip(listed, photos, strict=True):
        rows = annotation.rows
        labels = dict(
            zip(wider.ATTRIBUTES, rows[:, 4:].T.astype(np.int64), strict=True)
        )
        labels["invalid"] = labels["invalid"].astype(bool)
        labels |= _counting(part, annotation, difficulties)
        yield {
            faces.IMAGE: photo.encoded,
            faces.FILENAME: annotation.filename,
            **records.from_pixel_boxes(rows[:, :4], photo.height, photo.width),
            **{f"faces/{name}": row for name, row in labels.items()},
        }


def _counting(part, annotation, difficulties):
    """Return per difficulty which faces of a photo count; of training ones, none do."""
    count = len(annotation.rows)
    if part != "val" or not difficulties:
        return dict.fromkeys(wider.DIFFICULTIES, np.full(count, part == "val"))
    name = annotation.filename.rsplit(".", 1)[0]
    return {key: lists.counting(name, count) for key, lists in difficulties.items()}
