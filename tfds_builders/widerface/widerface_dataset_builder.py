"""WIDER FACE, untouched and anonymized."""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.photos import stored
from tfds_builders import builder as builders
from tfds_builders.widerface import annotations, raw_files

_SPLITS = {"train": "train", "val": "validation", "test": "test"}


class Builder(builders.AnonymizedBuilder):
    """WIDER FACE with all attributes and the easy, medium and hard flags.

    The name differs from TFDS' own `wider_face`, which has neither the pixel boxes nor
    the flags.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 (read by TFDS)
    BUILDER_CONFIGS = builders.standard_configs()
    HOMEPAGE = "http://shuoyang1213.me/WIDERFACE/"
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put here, unpacked or as zips: WIDER_train (1,465,602,149 bytes, SHA-256
    e23b76129c825cafae8be944f65310b2e1ba1c76885afe732f179c41e5ed6d59), WIDER_val
    (362,752,168 bytes,
    f9efbd09f28c5d2d884be8c0eaef3967158c866a593fc36ab0413e4b2a58a17a), WIDER_test
    (1,844,140,520 bytes,
    3b0313e11ea292ec58894b47ac4c0503b230e12540330845d70a7798241f88d3),
    wider_face_split (3,591,642 bytes,
    c7561e4f5e7a118c249e0a5c5c902b0de90bbf120d7da9fa28d99041f68a8a5c) and eval_tools
    (or its three files wider_{easy,medium,hard}_val.mat). Without the first four they
    are downloaded.
    """

    def face_features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Return the features of boxes in pixels, attributes and difficulty."""
        labels = {
            f"faces/{name}": builders.label_feature(classes)
            for name, classes in annotations.CLASSES.items()
            if name != "invalid"
        }
        flags = (faces.INVALID, faces.EASY, faces.MEDIUM, faces.HARD)
        return {
            faces.BBOX_PIXELS: tfds.features.Tensor(shape=(None, 4), dtype=np.int32),
            **labels,
            **{key: builders.flag_feature() for key in flags},
        }

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
            key: annotations.read_difficulty(path)
            for key, path in found.difficulties.items()
        }
        return {
            _SPLITS[part]: _records(part, found.photos[part], photos, difficulties)
            for part, photos in present.items()
            if photos
        }


def _listed(found, part, allow_partial):
    """Return the annotations of a part; none where a partial copy lacks the file."""
    path = found.annotations / raw_files.TEXTS[part]
    if path.is_file():
        return (annotations.read_names if part == "test" else annotations.read_boxes)(
            path
        )
    if allow_partial:
        return []
    raise ValueError(
        f"{path} is missing; unpack wider_face_split.zip again, or accept a partial "
        "copy with --set=data.allow_partial=true"
    )


def _present(found, part, listed):
    folder = found.photos.get(part)
    if folder is None:
        return []
    return [photo for photo in listed if (folder / photo.filename).is_file()]


def _refuse_missing(listed, present):
    names = {
        part: {photo.filename for photo in listed[part]}
        - {photo.filename for photo in present[part]}
        for part in listed
    }
    count = sum(map(len, names.values()))
    if count:
        first = next(f"WIDER_{part}/images/{min(n)}" for part, n in names.items() if n)
        raise ValueError(
            f"{count} of {sum(map(len, listed.values()))} photos of WIDER FACE are "
            f"missing, e.g. {first}; copy them, or accept a partial copy with "
            "--set=data.allow_partial=true"
        )


def _records(part, folder, listed, difficulties) -> Iterator[faces.Record]:
    photos = stored.read_all(folder / photo.filename for photo in listed)
    for annotation, photo in zip(listed, photos, strict=True):
        rows = annotation.rows
        labels = dict(zip(annotations.ATTRIBUTES, rows[:, 4:].T, strict=True))
        invalid = labels.pop("invalid").astype(bool)
        record = {
            faces.IMAGE: photo.encoded,
            faces.FILENAME: annotation.filename,
            faces.BBOX: _relative(rows[:, :4], photo.height, photo.width),
            faces.BBOX_PIXELS: rows[:, :4],
            faces.INVALID: invalid,
        }
        record |= {f"faces/{key}": row.astype(np.int64) for key, row in labels.items()}
        for key, lists in difficulties.items():
            counting = np.zeros(len(rows), bool)
            if part == "val":
                counting[_counting_rows(lists, key, annotation)] = True
            record[f"faces/{key}"] = counting
        yield record


def _counting_rows(lists, difficulty, annotation):
    """Return the rows of a photo's faces that count in a difficulty."""
    rows = lists.get(annotation.filename.rsplit(".", 1)[0])
    faces_here = range(len(annotation.rows))
    if rows is None or any(row not in faces_here for row in rows):
        raise ValueError(
            f"wider_{difficulty}_val.mat and wider_face_val_bbx_gt.txt disagree on "
            f"{annotation.filename}; take both from the WIDER FACE page"
        )
    return rows


def _relative(boxes, height, width):
    """Return boxes in pixels, x y width height, as float32 yxyx clamped to [0, 1].

    A box of no or negative extent comes out with an extent of zero.
    """
    x, y, box_width, box_height = boxes.astype(np.float64).T
    ends = np.maximum([y + box_height, x + box_width], [y, x])
    pixels = np.stack([y, x, *ends], axis=-1)
    return np.clip(pixels / [height, width, height, width], 0, 1).astype(np.float32)
