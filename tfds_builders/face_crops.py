"""The faces of a data set, cut out once, as a data set whose records are read alone.

A training that shows 40 million faces need not decode a photo for each of them. The
records lie in ArrayRecord files, in the order of the photos.
"""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces, provenance
from safefakes_tf.anonymizers import face_cutting, stored_crops
from safefakes_tf.anonymizers.stored_crops import Crop, Cutter, StoredCrops
from safefakes_tf.importers import npz_files
from safefakes_tf.keypoints import layouts
from tfds_builders import features, preparation, quiet, record_writer, stored_info
from tfds_builders.builder import RAW_SHA256, AnonymizedBuilder
from tfds_builders.builder_config import SOURCE

SPLIT = "train"  # nothing learns from the others
INDEX = "crops.npz"  # what is known of all crops without reading them
_COMPLETE = "complete/"  # key of an own face's flag, with a layout


def prepare(source: AnonymizedBuilder, cutter: Cutter) -> StoredCrops:
    """Cut out the faces of a data set unless that is done already, and open them.

    Args:
        source: builder of the photos, which are there.
        cutter: see there.

    Raises:
        ValueError: as `preparation.prepare`; if no face is as `cutter` wants it; or if
            the crops that are there are broken, or of other photos.
    """
    with quiet.making_builders():
        builder = FaceCrops(source, cutter)
    builder.prepare()
    print(f"crops:   {builder.data_path}", flush=True)
    return builder.open()


class FaceCrops(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Face crops as a config beside that of their photos; real faces as those.

    They keep the keys, annotations, licence and provenance of the photos; see
    `stored_crops`.
    """

    def __init__(self, source: AnonymizedBuilder, cutter: Cutter):
        """Make a builder; see `prepare`."""
        self.name, self.VERSION = source.name, source.VERSION
        self._source, self._cutter = source, cutter
        name = f"{source.builder_config.name}-{cutter.name}"
        super().__init__(
            data_dir=os.fspath(source.data_dir_root),
            config=tfds.core.BuilderConfig(
                name=name, description="Faces cut out of the photos, as they are."
            ),
            file_format=tfds.core.FileFormat.ARRAY_RECORD,
        )

    def _info(self):
        source = self._source
        options = source.builder_config.options()
        options["crops"] = {"of": self._cutter.name, **self._cutter.options}
        return stored_info.StoredInfo(
            builder=self,
            description=source.info.description,
            citation=source.info.citation,
            features=tfds.features.FeaturesDict(
                {
                    **source.info.features,
                    **features.photo_features("png"),
                    **features.keypoint_features(source.keypoint_layout),
                    stored_crops.REGION: _whole_numbers(4),
                    stored_crops.PHOTO_SIZE: _whole_numbers(2),
                    stored_crops.FACE: tfds.features.Scalar(np.int64),
                }
            ),
            homepage=source.HOMEPAGE,
            license=source.LICENSE or None,
            metadata=tfds.core.MetadataDict(
                provenance.describe(SOURCE, options, source.builder_config.seed)
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        known = self._source.info.metadata.items()
        own = self.info.metadata.keys()
        self.info.metadata.update({k: v for k, v in known if k not in own})
        return {SPLIT: self._generate_examples()}

    def _generate_examples(self):
        index, number = _Index(), -1
        records = self._source.encoded_with_keypoints(SPLIT).map(_with_complete)
        for number, (record, crops) in enumerate(self._cutter.cut(records)):
            for crop in crops:
                index.add(number, record, crop)
                example = _example(record, crop)
                key = f"{record[faces.FILENAME].decode()}#{crop.faces[0]}"
                yield key, example
        arrays = index.arrays()
        count = len(arrays["photo"])
        if not count:
            raise ValueError(
                f"{self._source.data_path} has no {self._cutter.wanted}; got "
                f"{number + 1} photos without"
            )
        self.info.metadata["counts"][SPLIT] = {
            "photos": len(np.unique(arrays["photo"])),
            "faces": count,
        }
        np.savez(self.data_path / INDEX, **arrays)

    def _example_writer(self):
        return record_writer.OrderedWriter(self.info.file_format)

    def _download_and_prepare(self, dl_manager, **kwargs):
        super()._download_and_prepare(dl_manager=dl_manager, **kwargs)
        if self._source.LICENSE:
            print(
                f"licence: {self._source.LICENSE} It is that of the crops.", flush=True
            )

    def prepare(self) -> None:
        """Cut the faces out unless that is done already.

        Raises:
            ValueError: see the function of that name.
        """
        preparation.prepare(self)
        of_crops, of_photos = self.info.metadata, self._source.info.metadata
        if of_crops.get(RAW_SHA256) != of_photos.get(RAW_SHA256):
            raise ValueError(
                f"the crops in {self.data_path} were cut out of other photos than are "
                f"in {self._source.data_path}; remove the folder of crops"
            )

    def open(self) -> StoredCrops:
        """Return the crops, to be read by their numbers.

        Raises:
            ValueError: if what is known of all of them is broken.
        """
        path = pathlib.Path(self.data_path) / INDEX
        count = self.info.splits[SPLIT].num_examples
        index = _read_index(path, count)
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        source = self.as_data_source(SPLIT, deserialize_method=raw)
        as_files = {faces.IMAGE: tfds.decode.SkipDecoding()}

        def read(numbers):
            return np.array(source.__getitems__(numbers.tolist()), object)

        def parse(record):
            return self.info.features.deserialize_example(record, decoders=as_files)

        return StoredCrops(read=read, parse=parse, **index)


def _whole_numbers(count):
    return tfds.features.Tensor(shape=(count,), dtype=np.int32)


def _with_complete(record):
    """Add which keypoints are known of each face, for the index."""
    flags = {
        _COMPLETE + layout: face_cutting.complete(record, layout)
        for layout in layouts.NUM_KEYPOINTS
    }
    return {**record, **flags}


def _example(record, crop):
    """Return the record of a crop: that of its photo, with the faces that it shows."""
    example = {
        key: value[crop.faces] if key.startswith("faces/") else value
        for key, value in record.items()
        if not key.startswith(_COMPLETE)
    }
    return {
        **example,
        faces.IMAGE: crop.encoded,
        stored_crops.REGION: crop.region,
        stored_crops.PHOTO_SIZE: np.int32(record[faces.IMAGE].shape[:2]),
        stored_crops.FACE: crop.faces[0],
    }


# === Index ===


class _Index:
    """Collects what is known of all crops."""

    def __init__(self):
        self._photos, self._identities, self._complete = [], [], []

    def add(self, photo: int, record: faces.Record, crop: Crop) -> None:
        own = crop.faces[0]
        identities = record.get(faces.IDENTITY)
        self._photos.append(photo)
        self._identities.append(-1 if identities is None else identities[own])
        self._complete.append(
            [record[_COMPLETE + layout][own] for layout in layouts.NUM_KEYPOINTS]
        )

    def arrays(self) -> dict[str, np.ndarray]:
        complete = np.array(self._complete, bool).reshape(
            -1, len(layouts.NUM_KEYPOINTS)
        )
        return {
            "photo": np.array(self._photos, np.int64),
            "identity": np.array(self._identities, np.int64),
            **dict(zip(layouts.NUM_KEYPOINTS, complete.T, strict=True)),
        }


def _read_index(path, count) -> dict[str, Any]:
    """Return the fields of `StoredCrops` that a file holds.

    Raises:
        ValueError: if it is not of so many crops.
    """
    kinds = {"photo": np.int64, "identity": np.int64}
    kinds |= dict.fromkeys(layouts.NUM_KEYPOINTS, np.bool_)
    try:
        arrays = npz_files.read(path)
        for name, kind in kinds.items():
            if (arrays[name].dtype, arrays[name].shape) != (kind, (count,)):
                raise ValueError(f"{name} is not of {count} crops")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"the crops in {path.parent} are broken ({path.name}: {error}); remove "
            "that folder to have them cut out anew"
        ) from error
    complete = {layout: arrays[layout] for layout in layouts.NUM_KEYPOINTS}
    return {
        "photo": arrays["photo"],
        "identity": arrays["identity"],
        "complete": complete,
    }
