"""What all builders share: configs, features, and photos derived by an anonymizer.

A data set has one config `source`, the photos with their file bytes untouched, and one
config per anonymizer, made from `source`: every photo decoded, anonymized and encoded
alike, all annotations kept. A builder says which features its faces have and yields
its source photos; the rest is here.
"""

import abc
import dataclasses
import functools
import hashlib
import itertools
import json
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging

import safefakes_tf
from safefakes_tf import faces
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import (
    DATASET_NAMES,
    FILTER_NAMES,
    GENERATOR_NAMES,
    AnonymizationConfig,
    CrowdConfig,
    DataConfig,
)
from safefakes_tf.keypoints import layouts, mediapipe
from safefakes_tf.photos import stored
from tfds_builders import keypoint_store, preparation

SOURCE = "source"
# These draw nothing at random, so that one data set serves the runs of all seeds.
_SEEDLESS = (SOURCE, *FILTER_NAMES, "sun2018", "deepprivacy")
PARALLEL_PHOTOS = 2 * os.cpu_count()
GROUP = 16  # photos whose faces a generator paints together
_SOURCE_OPTIONS = ("crowd", "allow_partial")
_RAW_SHA256 = "raw_sha256"  # in the metadata
_DERIVED_OPTIONS = ("anonymization", "image_format", "jpeg_quality", "seed")


@dataclasses.dataclass(eq=False, kw_only=True)
class AnonymizedConfig(tfds.core.BuilderConfig):
    """Which photos a data set holds, and how they were made.

    The name follows from the other fields: the anonymizer's where all options have
    their defaults, else with the first eight hex digits of the options' SHA-256, and
    before them those of the generator's weights, if it has some. So photos made in two
    ways never share a folder.

    Attributes:
        anonymizer: `source` or one of `config.ANONYMIZER_NAMES`.
        anonymization, image_format, jpeg_quality: of derived photos.
        crowd: what `synthetic_crowd` composes; ignored by the other data sets.
        allow_partial: accept fewer photos than the annotations list.
        seed: of the run; enters where an anonymizer draws random numbers.
    """

    name: str = ""
    anonymizer: str = SOURCE
    anonymization: AnonymizationConfig = AnonymizationConfig()
    crowd: CrowdConfig = CrowdConfig()
    image_format: str = "jpeg"
    jpeg_quality: int = 95
    allow_partial: bool = False
    seed: int = 0

    def __post_init__(self):
        if self.anonymizer in _SEEDLESS:
            self.seed = 0
        self.name = self.anonymizer
        weights = self.weights_sha256()
        if weights:
            self.name += f"-{weights[:8]}"
        options = self.options()
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        if any(value != defaults[name] for name, value in options.items()):
            text = json.dumps(options, default=dataclasses.asdict)
            self.name += f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        self.description = (
            "The photos as they are."
            if self.anonymizer == SOURCE
            else f"Every photo decoded, anonymized by `{self.anonymizer}`, encoded."
        )

    def options(self) -> dict[str, Any]:
        """Return what the photos depend on, beside the raw data and the anonymizer."""
        derived = self.anonymizer != SOURCE
        names = _SOURCE_OPTIONS + (_DERIVED_OPTIONS if derived else ())
        options = {name: getattr(self, name) for name in names}
        if derived:  # what the weights are counts, not where they lie
            options["anonymization"] = dataclasses.replace(
                self.anonymization, weights=None
            )
        return options

    def weights_sha256(self) -> str | None:
        """Return the SHA-256 of the generator's file; None if there is no generator.

        Raises:
            ValueError: if the file is not there.
        """
        if self.anonymizer not in GENERATOR_NAMES:
            return None
        path = generator_files.find(self.anonymization.weights, self.anonymizer)
        return generator_files.sha256(path)


def standard_configs() -> list[AnonymizedConfig]:
    """Return the `BUILDER_CONFIGS`: all that need no weights, `source` first."""
    return [AnonymizedConfig(anonymizer=name) for name in (SOURCE, *FILTER_NAMES)]


class AnonymizedBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of all builders.

    A builder sets `VERSION`, `RELEASE_NOTES`, `BUILDER_CONFIGS = standard_configs()`
    and `HOMEPAGE`, and implements `face_features` and `source_examples`.
    """

    HOMEPAGE = ""
    create_detector = mediapipe.MediaPipeDetector  # of keypoints that are not annotated

    def __init__(
        self,
        *,
        manual_dir: str | None = None,
        keypoint_models: str | None = None,
        **kwargs,
    ):
        """Make a builder.

        Args:
            manual_dir: folder of raw photos and annotations; None: TFDS' own default.
            keypoint_models: folder of MediaPipe's files; None: see `model_files.find`.
            **kwargs: of `tfds.core.DatasetBuilder`.
        """
        super().__init__(**kwargs)
        self.raw_dir = manual_dir
        self.keypoint_models = keypoint_models
        if keypoint_models is not None:
            # No lambda: other processes get it, pickled.
            create = functools.partial(self.create_detector, keypoint_models)
            self.create_detector = create

    @abc.abstractmethod
    def face_features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Return the features of the record beside photo, file name and `faces/bbox`.

        Keys are those of `faces`; the `*_feature` functions below make the values.
        """

    @abc.abstractmethod
    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterable[faces.Record]]:
        """Return per split its records, the photo as the bytes of a JPEG or PNG file.

        Records hold the flat keys of `faces` and NumPy values; the file name is the
        TFDS key. `photo_files` gives checked photos.
        """

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the raw photos and annotations in a folder.

        It is stored, and compared whenever the data set is asked for again.

        Args:
            folder: exists.

        Returns:
            None, as here, if there are no raw data.
        """
        del folder

    def _info(self):
        config = self.builder_config
        derived = config.anonymizer != SOURCE
        features = {
            faces.IMAGE: tfds.features.Image(
                encoding_format=config.image_format if derived else None
            ),
            faces.FILENAME: tfds.features.Text(),
            faces.BBOX: tfds.features.Tensor(shape=(None, 4), dtype=np.float32),
            **self.face_features(),
        }
        if derived:
            features[faces.ACTION] = label_feature(faces.ACTIONS)
        if derived and _needs_keypoints(config) and faces.KEYPOINTS not in features:
            features |= FOUND_FEATURES
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage=self.HOMEPAGE,
            metadata=tfds.core.MetadataDict(_provenance(config)),
        )

    def _split_generators(self, dl_manager):
        if self.builder_config.anonymizer == SOURCE:
            splits = self.source_examples(dl_manager)
            self.info.metadata[_RAW_SHA256] = self._raw_digest_now()
        else:
            source = self.source_builder()
            source.prepare()
            self.info.metadata[_RAW_SHA256] = source.info.metadata.get(_RAW_SHA256)
            read = source.encoded
            if _needs_keypoints(self.builder_config):
                read = source.encoded_with_keypoints
            derive = self._derivation(source)
            splits = {
                split: map(_to_numpy, derive(read(split)))
                for split in source.info.splits
            }
        return {
            split: self._generate_examples(split, records)
            for split, records in splits.items()
        }

    def _generate_examples(self, split, records):
        """Yield records under their keys, and count them into the metadata."""
        photos = num_faces = 0
        labels = {faces.ACTION: faces.ACTIONS, faces.KEYPOINTS_SOURCE: faces.SOURCES}
        labels = {key: v for key, v in labels.items() if key in self.info.features}
        per_label = {key: np.zeros(len(v), np.int64) for key, v in labels.items()}
        for record in records:
            faces.validate_faces(record)
            photos += 1
            num_faces += len(record[faces.BBOX])
            for key, sums in per_label.items():
                sums += np.bincount(record[key], minlength=len(sums))
            yield record[faces.FILENAME], record
        counts = {"photos": photos, "faces": num_faces}
        prefixes = {faces.ACTION: "", faces.KEYPOINTS_SOURCE: "keypoints "}
        for key, sums in per_label.items():
            names = [prefixes[key] + name for name in labels[key]]
            counts |= dict(zip(names, sums.tolist(), strict=True))
        self.info.metadata["counts"][split] = counts

    def _derivation(self, source):
        """Return the function from encoded source records to encoded derived ones.

        All is traced once, for all splits, and without autograph, which would cost more
        than the rest of the tracing: an anonymizer consists of TensorFlow ops.
        """
        config = self.builder_config
        anonymizer = anonymizers.create(
            config.anonymizer, config.anonymization, config.seed
        )
        decode_example = source.info.features[faces.IMAGE].decode_example

        def decode(record):
            return {**record, faces.IMAGE: decode_example(record[faces.IMAGE])}

        @tf.function(autograph=False, reduce_retracing=True)
        def encode(record):
            photo = stored.encode(
                record[faces.IMAGE], config.image_format, config.jpeg_quality
            )
            return {**record, faces.IMAGE: photo}

        @tf.function(autograph=False)
        def process(record):
            return encode(anonymizer(decode(record)))

        def in_pipeline(records):
            return records.map(process, PARALLEL_PHOTOS).prefetch(PARALLEL_PHOTOS)

        def in_groups(records):
            records = iter(records.map(decode, PARALLEL_PHOTOS).prefetch(GROUP))
            while group := list(itertools.islice(records, GROUP)):
                yield from map(encode, anonymizer.anonymize_records(group))

        return in_groups if config.anonymizer in GENERATOR_NAMES else in_pipeline

    def prepare(self) -> None:
        """Build the data set, unless it is there; see `preparation.prepare`.

        Raises:
            ValueError: as there, or if it is there, but built from other raw data than
                are in their folder now. A folder that is gone is not missed.
        """
        preparation.prepare(self, self.raw_dir)
        used, now = self.info.metadata.get(_RAW_SHA256), self._raw_digest_now()
        if used and now and used != now:
            raise ValueError(
                f"{self.data_path} was built from other photos or annotations than "
                f"those in {self._raw_folder()}; name theirs with --manual_dir, choose "
                f"another --data_dir, or remove {self._all_of_this_name()}"
            )

    def _all_of_this_name(self):
        """Return the folder of the photos and all that is made from them."""
        return self.data_dir_root / self.name

    def _raw_folder(self):
        standard = self.data_dir_root / "downloads" / "manual"  # TFDS' own default
        return pathlib.Path(self.raw_dir or standard)

    def _raw_digest_now(self):
        folder = self._raw_folder()
        return self.raw_digest(folder) if folder.is_dir() else None

    def source_builder(self) -> "AnonymizedBuilder":
        """Return the builder of the photos that this one's are made from."""
        config = dataclasses.replace(self.builder_config, anonymizer=SOURCE)
        return _create(
            type(self),
            config,
            data_dir=os.fspath(self.data_dir_root),
            manual_dir=self.raw_dir,
            keypoint_models=self.keypoint_models,
        )

    def encoded(self, split: str) -> tf.data.Dataset:
        """Return the records of a split, photos as the bytes of their files."""
        decoders = {faces.IMAGE: tfds.decode.SkipDecoding()}
        return self.as_dataset(split=split, decoders=decoders)

    def encoded_with_keypoints(self, split: str) -> tf.data.Dataset:
        """Return `encoded` with keypoints; where none are annotated, they are found.

        That takes its time once; see `keypoint_files`.
        """
        records = self.encoded(split)
        if faces.KEYPOINTS in self.info.features:
            return records
        return keypoint_store.attach(
            records, self.data_path, split, self.create_detector
        )

    def as_dataset(self, split=None, *, read_config=None, **kwargs) -> tf.data.Dataset:
        """Read as TFDS does, but shard after shard.

        TFDS orders examples by a hash of their key and then reads several shards in
        turn; how many there are depends on the size of the photos. Only one after
        another are `source` and all derived data sets in the same order.

        Raises:
            ValueError: if the split is not here, as in a partial copy.
        """
        name = re.match(r"\w*", split)[0] if isinstance(split, str) else None
        if name and name != "all" and self.info.splits and name not in self.info.splits:
            raise ValueError(
                f"{self.name} has no photos of split {name} here; it has "
                f"{', '.join(self.info.splits)}: add those of {name} to the raw photos "
                f"and choose another --data_dir, or remove {self._all_of_this_name()}"
            )
        if read_config is None:
            read_config = tfds.ReadConfig(interleave_cycle_length=1)
            # As in training.loop: the tuner may sleep on for a minute at the end.
            read_config.options.autotune.enabled = False
        return super().as_dataset(split, read_config=read_config, **kwargs)


def _needs_keypoints(config):
    return anonymizers.method(config.anonymizer).anonymizer.keypoints is not None


def _to_numpy(record: dict[str, tf.Tensor]) -> faces.Record:
    record = {key: value.numpy() for key, value in record.items()}
    return {**record, faces.FILENAME: record[faces.FILENAME].decode()}


def _provenance(config):
    return {
        "anonymizer": config.anonymizer,
        "options": json.loads(json.dumps(config.options(), default=dataclasses.asdict)),
        **_weights(config),
        "seed": config.seed,
        "code_version": safefakes_tf.__version__,
        "counts": {},
    }


def _weights(config):
    digest = config.weights_sha256()
    if digest is None:
        return {"weights_sha256": None}
    about = generator_files.read_about(config.anonymization.weights)
    return {
        "weights_sha256": digest,
        "weights_origin": about.origin,
        "demonstration_weights": about.demonstration,
    }


def label_feature(names: Iterable[str]) -> tfds.features.FeatureConnector:
    """Return the feature of one class label per face, int64 [N]."""
    return tfds.features.Sequence(tfds.features.ClassLabel(names=list(names)))


def flag_feature() -> tfds.features.FeatureConnector:
    """Return the feature of one truth value per face, bool [N]."""
    return tfds.features.Tensor(shape=(None,), dtype=np.bool_)


FOUND_FEATURES = {
    faces.KEYPOINTS: tfds.features.Tensor(
        shape=(None, layouts.NUM_FOUND, 2), dtype=np.float32
    ),
    faces.HAS_KEYPOINTS: flag_feature(),
    faces.KEYPOINTS_SOURCE: label_feature(faces.SOURCES),
}


def create_builder(data: DataConfig, seed: int) -> AnonymizedBuilder:
    """Return the builder of the stored photos that `data` names.

    Args:
        data: data set, anonymizer and folders.
        seed: of the run.

    Raises:
        ValueError: if there is no such data set.
    """
    crowd = data.dataset == "synthetic_crowd"
    config = AnonymizedConfig(
        anonymizer=data.anonymizer,
        anonymization=data.anonymization,
        crowd=data.crowd if crowd else CrowdConfig(),
        allow_partial=data.allow_partial and not crowd,
        image_format=data.image_format,
        jpeg_quality=data.jpeg_quality,
        seed=seed,
    )
    return _create(
        _builder_class(data.dataset),
        config,
        data_dir=data.data_dir,
        manual_dir=data.manual_dir,
        keypoint_models=data.keypoint_models,
    )


def create_source_builder(data: DataConfig) -> AnonymizedBuilder:
    """Return the builder of the untouched photos of `data.dataset`."""
    return create_builder(dataclasses.replace(data, anonymizer=SOURCE), seed=0)


def _builder_class(dataset):
    # Imported here, because the builders import this module.
    if dataset == "synthetic_crowd":
        from tfds_builders.synthetic_crowd import synthetic_crowd_dataset_builder

        return synthetic_crowd_dataset_builder.Builder
    if dataset == "widerface":
        from tfds_builders.widerface import widerface_dataset_builder

        return widerface_dataset_builder.Builder
    raise ValueError(
        f"dataset must be one of {', '.join(DATASET_NAMES)}; got {dataset!r}"
    )


def _create(builder_class, config, **folders):
    # TFDS wants a listed config by its name. It takes any other as an object, and warns
    # of it with a dump of all options.
    listed = config.name in builder_class.builder_configs
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        return builder_class(
            config=config.name if listed else config,
            **{key: path and os.path.expanduser(path) for key, path in folders.items()},
        )
    finally:
        logging.set_verbosity(verbosity)
