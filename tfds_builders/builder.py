"""The base of all builders: declarations, features, and photos that are derived.

A data set has one config `source`, the photos with their file bytes untouched, and one
config per anonymizer, made from `source`: every photo decoded, anonymized and encoded
alike, all annotations kept. A builder declares what its faces have and yields its
source photos; the rest is here.
"""

import abc
import contextlib
import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf
import tensorflow_datasets as tfds

from safefakes_tf import faces, provenance
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.keypoints import layouts, mediapipe
from safefakes_tf.training import record_stream
from tfds_builders import (
    derive,
    features,
    folder_export,
    keypoint_store,
    parts,
    preparation,
    quiet,
    raw_data,
    record_reader,
    resumable_build,
    stored_info,
)
from tfds_builders.builder_config import SOURCE, AnonymizedConfig
from tfds_builders.resumable_builder import ResumableBuilder

RAW_SHA256 = "raw_sha256"  # in the metadata
_AS_FILES = {faces.IMAGE: tfds.decode.SkipDecoding()}


class AnonymizedBuilder(
    ResumableBuilder, tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """Base of all builders.

    A builder sets `VERSION`, `RELEASE_NOTES`, `BUILDER_CONFIGS = standard_configs()`
    `HOMEPAGE` and `LICENSE`, declares what follows, and implements `source_examples`.

    Attributes:
        SPLITS: the splits of a whole copy.
        KEYPOINTS: name of the layout of annotated keypoints; None: there are none.
        IDENTITIES: whether it is known whose faces they are.
        DIFFICULTIES: whether faces are easy, medium and hard, as in WIDER FACE.
        UPRIGHT: whether boxes are for photos as viewers show them; else as stored.
        OPTIONS: fields of `config.DataConfig` that the source photos depend on.
        LAYOUT: of a folder that the photos are written to.
    """

    SPLITS: tuple[str, ...] = ("train", "validation")
    KEYPOINTS: str | None = None
    IDENTITIES: bool = False
    DIFFICULTIES: bool = False
    UPRIGHT: bool = False
    OPTIONS: tuple[str, ...] = ("allow_partial",)
    LAYOUT: type[folder_export.Layout] = folder_export.Coco
    HOMEPAGE = ""
    LICENSE = ""  # a sentence
    DOES = "anonymizing"
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

    @classmethod
    def create(cls, config: AnonymizedConfig, **folders) -> "AnonymizedBuilder":
        """Return the builder of a config, quietly.

        Where version 0.4.0 built the data set under another name, that one is taken.

        Args:
            config: of the photos.
            **folders: `data_dir`, `manual_dir`, `keypoint_models`; `~` is expanded.
        """
        folders = {
            key: path and os.path.expanduser(path) for key, path in folders.items()
        }
        builder = cls._create(config, folders)
        path, name = builder.data_path, config.name_in_0_4_0()
        if name and not path.exists() and (path.parents[1] / name / path.name).exists():
            return cls._create(dataclasses.replace(config, name=name), folders)
        return builder

    @classmethod
    def _create(cls, config, folders):
        # TFDS wants a listed config by its name, and takes any other as an object.
        listed = config.name in cls.builder_configs
        with quiet.making_builders():
            return cls(config=config.name if listed else config, **folders)

    def face_features(self) -> features.Features:
        """Return the features of the record beside those that are declared.

        Keys are those of `faces`; the functions of `features` make the values.
        """
        return {}

    @abc.abstractmethod
    def source_examples(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterable[faces.Record]]:
        """Return per split its records, the photo as the bytes of a JPEG or PNG file.

        Records hold the flat keys of `faces` and NumPy values; the file name is the
        TFDS key. `photo_files` gives checked photos.
        """

    def raw_digest(self, folder: pathlib.Path) -> str | None:
        """Return a digest of the raw photos and annotations in a folder that exists.

        It is stored, and compared whenever the data set is asked for again. None, as
        here, if there are no raw data.
        """

    def _info(self):
        config = self.builder_config
        derived, digest = config.anonymizer != SOURCE, config.weights_sha256()
        of_record = {
            **features.photo_features(config.image_format if derived else None),
            **features.keypoint_features(self._stored_layout()),
            **features.declared_features(self.IDENTITIES, self.DIFFICULTIES),
        }
        if derived:
            of_record[faces.ACTION] = features.label_feature(faces.ACTIONS)
        metadata = provenance.describe(
            config.anonymizer,
            config.options(),
            config.seed,
            digest,
            digest and generator_files.read_about(config.anonymization.weights),
        )
        texts = self.get_metadata()
        return stored_info.StoredInfo(
            builder=self,
            description=texts.description,
            citation=texts.citation,
            features=tfds.features.FeaturesDict({**of_record, **self.face_features()}),
            homepage=self.HOMEPAGE,
            license=self.LICENSE or None,
            metadata=tfds.core.MetadataDict(metadata),
        )

    def _stored_layout(self):
        """Return the layout of the keypoints that are stored; None without any."""
        return self.keypoint_layout if self.needs_keypoints else self.KEYPOINTS

    @property
    def needs_keypoints(self) -> bool:
        """Whether the photos are made by an anonymizer that reads keypoints."""
        name = self.builder_config.anonymizer
        return (
            name != SOURCE and anonymizers.method(name).anonymizer.keypoints is not None
        )

    @property
    def searches_keypoints(self) -> bool:
        """Whether `encoded_with_keypoints` needs a search."""
        return self._stored_layout() != self.keypoint_layout

    @property
    def keypoint_layout(self) -> str:
        """Layout of the keypoints of `encoded_with_keypoints`."""
        known = self.KEYPOINTS in layouts.READABLE
        return self.KEYPOINTS if known else layouts.FOUND

    @property
    def difficulties(self) -> bool:
        """Whether this copy tells easy, medium and hard faces apart."""
        return self.DIFFICULTIES and self.info.metadata.get("difficulties", True)

    @property
    def identities(self) -> bool:
        """Whether this copy tells whose faces they are."""
        return self.IDENTITIES and not self.without_identities

    @property
    def without_identities(self) -> str:
        """Why this copy does not, as the end of a sentence; nothing where it does."""
        missing = (self.info.metadata or {}).get("missing")
        return f" here, as it was built without {missing}" if missing else ""

    def _download_and_prepare(self, dl_manager, download_config):
        if self.MANUAL_DOWNLOAD_INSTRUCTIONS and self.raw_dir is None:
            self.raw_dir = raw_data.named_folder(dl_manager)
        if self.builder_config.anonymizer == SOURCE:
            super()._download_and_prepare(dl_manager, download_config)
            self._check_unchanged()
        else:
            self._derive(download_config)
        if self.LICENSE:
            print(f"licence: {self.LICENSE} Anonymized photos inherit it.", flush=True)

    def _derive(self, download_config):
        source = self.source_builder()
        source.prepare()
        self.info.metadata[RAW_SHA256] = source.info.metadata.get(RAW_SHA256)
        self._build(source.info.splits, download_config)

    def maker(
        self, source: "AnonymizedBuilder"
    ) -> Callable[[tf.data.Dataset], Iterator[parts.Made]]:
        """Return a function that anonymizes photos; see `derive.derivation`."""
        return derive.derivation(
            self.builder_config, source.info.features, source.keypoint_layout
        )

    def counts(self) -> provenance.Counts:
        """Return what counts photos, faces, and what was done to them."""
        return provenance.Counts(self.info.features)

    def _check_unchanged(self):
        """Refuse raw data that are not those from before anything was read of them."""
        if self.info.metadata[RAW_SHA256] != self._raw_digest_now():
            folder = self._raw_folder()
            raise ValueError(f"{folder} changed while it was read; start again")

    def _split_generators(self, dl_manager):
        digest = self._raw_digest_now()
        splits = self.source_examples(dl_manager)
        self.info.metadata[RAW_SHA256] = digest
        return {
            split: self._generate_examples(split, records)
            for split, records in splits.items()
        }

    def _generate_examples(self, split, records):
        counts = self.counts()
        for record in records:
            faces.validate_faces(record)
            counts.add(record)
            yield record[faces.FILENAME], record
        self.info.metadata["counts"][split] = counts.to_dict()

    def prepare(
        self, wait: bool = True, beam_options: Sequence[str] | None = None
    ) -> None:
        """Build the data set, unless it is there; see `preparation.prepare`.

        Args:
            wait: for another process that builds it.
            beam_options: flags of Apache Beam, whose workers then derive the photos.

        Raises:
            ValueError: as there, or if it is there, but built from other raw data than
                are in their folder now. A folder that is gone is not missed.
        """
        preparation.prepare(self, self.raw_dir, wait, beam_options)
        resumable_build.remove_parts(self)  # a kill may have come before that
        used, now = self.info.metadata.get(RAW_SHA256), self._raw_digest_now()
        if used and now and used != now:
            raise ValueError(
                f"{self.data_path} was built from other photos or annotations than "
                f"those in {self._raw_folder()}; name theirs with --manual_dir, choose "
                f"another --data_dir, or remove {self.data_dir_root / self.name}"
            )

    def _raw_folder(self):
        standard = raw_data.standard_folder(self.data_dir_root / "downloads")
        return pathlib.Path(self.raw_dir or standard)

    def _raw_digest_now(self):
        folder = self._raw_folder()
        return self.raw_digest(folder) if folder.is_dir() else None

    def source_builder(self) -> "AnonymizedBuilder":
        """Return the builder of the photos that this one's are made from."""
        return self.recipe(self.builder_config.source())()

    def recipe(
        self, config: AnonymizedConfig | None = None
    ) -> Callable[[], "AnonymizedBuilder"]:
        """Return a function that makes this builder again, or that of another config.

        Other processes can be sent it.
        """
        return functools.partial(
            type(self).create,
            config or self.builder_config,
            data_dir=os.fspath(self.data_dir_root),
            manual_dir=self.raw_dir,
            keypoint_models=self.keypoint_models,
        )

    def encoded(self, split: str) -> tf.data.Dataset:
        """Return the records of a split, photos as the bytes of their files."""
        return self.as_dataset(split=split, decoders=_AS_FILES)

    def numbered(self, split: str) -> record_stream.NumberedRecords:
        """Return `encoded`, whose records are also read by their numbers.

        Raises:
            ValueError: as `as_dataset`.
        """
        self._check_present(split)
        size, read = record_reader.by_number(self.info.splits[split].filepaths)
        parse = functools.partial(
            self.info.features.deserialize_example, decoders=_AS_FILES
        )
        return record_stream.NumberedRecords(size, lambda number: parse(read(number)))

    def encoded_with_keypoints(
        self, split: str, layout: str | None = None
    ) -> record_stream.NumberedRecords:
        """Return `numbered` with keypoints, of `layout` or else of `keypoint_layout`.

        Where none are annotated, they are found. That takes its time once; see
        `keypoint_store`.
        """
        records = self.numbered(split)
        if self.searches_keypoints:
            records = keypoint_store.attach(
                records, self.data_path, split, self.create_detector
            )
        if layout is None:
            return records

        def in_layout(_, record):
            points = record[faces.KEYPOINTS], record[faces.HAS_KEYPOINTS]
            points = layouts.read(*points, layout, self.keypoint_layout)
            return {**record, faces.KEYPOINTS: points}

        return record_stream.with_numbers(records, in_layout)

    def as_dataset(self, split=None, *, read_config=None, **kwargs) -> tf.data.Dataset:
        """Read as TFDS does, but shard after shard.

        TFDS orders examples by a hash of their key and then reads several shards in
        turn; how many there are depends on the size of the photos. Only one after
        another are `source` and all derived data sets in the same order.

        Raises:
            ValueError: if the split is not here, as in a partial copy, or has no such
                part.
        """
        self._check_present(split)
        if isinstance(split, str) and "[" in split:
            self._check_part(split)
        if read_config is None:
            # No cache: up to 250 MB, for what the system keeps in memory anyway.
            read_config = tfds.ReadConfig(
                interleave_cycle_length=1, try_autocache=False
            )
            # As in training.loop: the tuner may sleep on for a minute at the end.
            read_config.options.autotune.enabled = False
        return super().as_dataset(split, read_config=read_config, **kwargs)

    def _check_part(self, part):
        """Refuse a part such as `train[:500]` that does not parse or has no photos."""
        name = part.partition("[")[0]
        count = self.info.splits[name].num_examples
        with contextlib.suppress(ValueError):  # of TFDS, in several lines
            if self.info.splits[part].num_examples > 0:
                return
        raise ValueError(
            f"{self.name} has {count} photos of split {name}, and no part {part} of "
            f"them; name another, such as {name}[:{count}]"
        )

    def _check_present(self, split):
        name = re.match(r"\w*", split)[0] if isinstance(split, str) else None
        if name and name != "all" and self.info.splits and name not in self.info.splits:
            raise ValueError(
                f"{self.name} has no photos of split {name} here; it has "
                f"{', '.join(self.info.splits)}: add those of {name} to the raw photos "
                "and choose another --data_dir, or remove "
                f"{self.data_dir_root / self.name}"
            )
