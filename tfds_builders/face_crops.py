"""The faces of a data set, cut out once, as a data set whose records are read alone.

A training that shows 40 million faces need not decode a photo for each of them. The
records lie in ArrayRecord files, in the order of the photos. A build that was killed
goes on; see `resumable_build`.
"""

import functools
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces, provenance
from safefakes_tf.anonymizers import face_cutting, stored_crops
from safefakes_tf.anonymizers.stored_crops import Cutter, StoredCrops
from safefakes_tf.importers import npz_files
from safefakes_tf.keypoints import layouts
from tfds_builders import features, preparation, quiet, resumable_build, stored_info
from tfds_builders.builder import RAW_SHA256, AnonymizedBuilder
from tfds_builders.builder_config import SOURCE
from tfds_builders.parts import About, Made
from tfds_builders.resumable_builder import ResumableBuilder

SPLIT = "train"  # nothing learns from the others
INDEX = "crops.npz"  # what is known of all crops without reading them
_KINDS = {
    **{"photo": np.int64, "identity": np.int64},
    **dict.fromkeys(layouts.NUM_KEYPOINTS, np.bool_),  # whether all of an own face's
}
_COMPLETE = "complete/"  # key of faces' flags, with a layout


def prepare(
    source: AnonymizedBuilder, cutter: Cutter, beam_options: Sequence[str] | None = None
) -> StoredCrops:
    """Cut out the faces of a data set unless that is done already, and open them.

    Args:
        source: builder of the photos, which are there.
        cutter: see there.
        beam_options: flags of Apache Beam, whose workers then cut the faces out.

    Raises:
        ValueError: as `preparation.prepare`; if no face is as `cutter` wants it; or if
            the crops that are there are broken, or of other photos.
    """
    builder = FaceCrops.create(source, cutter)
    builder.prepare(beam_options)
    print(f"crops:   {builder.data_path}", flush=True)
    return builder.open()


class FaceCrops(ResumableBuilder, skip_registration=True):
    """Face crops as a config beside that of their photos; real faces as those.

    They keep the keys, annotations, licence and provenance of the photos; see
    `stored_crops`.
    """

    DOES = "cutting faces out of"
    needs_keypoints = True  # they are stored, whatever the training reads

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

    @classmethod
    def create(cls, source: AnonymizedBuilder, cutter: Cutter) -> "FaceCrops":
        """Return a builder, quietly."""
        with quiet.making_builders():
            return cls(source, cutter)

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

    def source_builder(self) -> AnonymizedBuilder:
        """Return the builder of the photos."""
        return self._source

    def recipe(self) -> Callable[[], "FaceCrops"]:
        """Return a function that makes this builder again."""
        return functools.partial(_create, self._source.recipe(), self._cutter)

    def maker(
        self, source: AnonymizedBuilder
    ) -> Callable[[tf.data.Dataset], Iterator[Made]]:
        """Return a function that cuts the faces out of photos."""
        del source  # the cutter knows all
        return self._make

    def _make(self, photos):
        for record, crops in self._cutter.cut(photos.map(_with_complete)):
            yield Made(
                [_example(record, crop) for crop in crops],
                _known(record, np.array([crop.faces[0] for crop in crops], int)),
            )

    def counts(self) -> "_Counts":
        """Return what counts crops, and the photos that have some."""
        return _Counts()

    def _download_and_prepare(self, dl_manager, download_config):
        known = self._source.info.metadata.items()
        own = self.info.metadata.keys()
        self.info.metadata.update({k: v for k, v in known if k not in own})
        about = self._build([SPLIT], download_config)
        if not any(part.num_records for part in about):
            resumable_build.remove_parts(self)
            raise ValueError(
                f"{self._source.data_path} has no {self._cutter.wanted}; got "
                f"{self._source.info.splits[SPLIT].num_examples} photos without"
            )
        np.savez(self.data_path / INDEX, **_index(about))
        if self._source.LICENSE:
            print(
                f"licence: {self._source.LICENSE} It is that of the crops.", flush=True
            )

    def prepare(self, beam_options: Sequence[str] | None = None) -> None:
        """Cut the faces out unless that is done already.

        Args:
            beam_options: as of the function of that name.

        Raises:
            ValueError: see there.
        """
        preparation.prepare(self, beam_options=beam_options)
        resumable_build.remove_parts(self)  # a kill may have come before that
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


def _create(recipe, cutter):
    return FaceCrops.create(recipe(), cutter)


class _Counts:
    """Counts crops, and the photos that have some."""

    def __init__(self):
        self._faces, self._photos = 0, set()

    def add(self, record: faces.Record) -> None:
        self._faces += 1
        self._photos.add(record[faces.FILENAME])

    def to_dict(self) -> dict[str, int]:
        return {"photos": len(self._photos), "faces": self._faces}


# === Index ===


def _known(record, own):
    """Return what the index has of the crops of a photo, but for its number.

    Args:
        record: of the photo, with `_COMPLETE`.
        own: numbers of the crops' own faces.
    """
    identities = record.get(faces.IDENTITY, np.full(len(record[faces.BBOX]), -1))
    known = {"identity": identities}
    known |= {layout: record[_COMPLETE + layout] for layout in layouts.NUM_KEYPOINTS}
    return {name: values[own].tolist() for name, values in known.items()}


def _index(about: Iterable[About]) -> dict[str, np.ndarray]:
    """Return what is known of all crops, as arrays."""
    known = [part.known for part in about if part.num_records]

    def joined(name, kind):
        return np.array(list(itertools.chain(*(part[name] for part in known))), kind)

    return {name: joined(name, kind) for name, kind in _KINDS.items()}


def _read_index(path, count) -> dict[str, Any]:
    """Return the fields of `StoredCrops` that a file holds.

    Raises:
        ValueError: if it is not of so many crops.
    """
    try:
        arrays = npz_files.read(path)
        for name, kind in _KINDS.items():
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
