"""The build of a derived data set: parts of it first, then the shards from them.

Records of a derived data set come in the order of its source, and so do the parts. When
all are there, their records are copied into shards, as many and as long as TFDS makes
them. A build that was killed goes on with the parts that it had made.
"""

import itertools
import json
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_datasets as tfds
import tqdm
from tensorflow_datasets.core.utils import shard_utils

from safefakes_tf import atomic, faces
from tfds_builders import derive, keypoint_store, parts, record_writer
from tfds_builders.parts import Part


class Job(NamedTuple):
    """What is to be made; other processes get it, pickled.

    Attributes:
        folder: of the parts.
        parts: all of the data set.
        templates: of the paths of shards, by split, as TFDS has them.
        shard_config: tells how many shards there are, as TFDS has it.
    """

    folder: pathlib.Path
    parts: list[Part]
    templates: dict[str, Any]
    shard_config: shard_utils.ShardConfig

    def of_split(self, split: str) -> list[Part]:
        """Return the parts of a split."""
        return [part for part in self.parts if part.split == split]


class Shard(NamedTuple):
    """A file of records to write.

    Attributes:
        path: of the file.
        files: of the parts that hold its records.
        skip: how many records of the first file go into the shard before.
        num_records: in the shard.
    """

    path: str
    files: list[str]
    skip: int
    num_records: int


class Work:
    """Makes the parts of one data set; models are loaded once, when needed."""

    def __init__(self, builder, folder: pathlib.Path):
        """Begin.

        Args:
            builder: an `AnonymizedBuilder` of the data set, whose source is there.
            folder: of the parts.
        """
        self.builder, self.folder = builder, folder
        self.source = builder.source_builder()
        self._searched = builder.needs_keypoints and self.source.searches_keypoints
        self._derived = self._detector = None

    def is_made(self, part: Part) -> bool:
        """Tell whether a part is there, made from the keypoints that are there."""
        about = parts.about(self.folder, part)
        return about is not None and about.keypoints == self._keypoints(part)

    def make(
        self, made: Iterable[Part], records: Iterable[faces.Record]
    ) -> Iterator[parts.About]:
        """Make parts, and yield what is told of each when it is there.

        Args:
            made: the parts.
            records: theirs, of the source, with keypoints if the anonymizer reads them.

        Raises:
            ValueError: if a photo cannot be anonymized; names it.
        """
        if self._derived is None:
            source = self.source
            self._derived = derive.derivation(
                self.builder.builder_config,
                source.info.features,
                source.keypoint_layout,
            )
        features, derived = self.builder.info.features, self._derived(records)
        for part in made:
            of_part = itertools.islice(derived, part.end - part.begin)
            yield parts.write(
                self.folder, part, of_part, features, self._keypoints(part)
            )

    def read(self, part: Part) -> tf.data.Dataset:
        """Return the source records of one part, as `make` takes them.

        Where keypoints are not annotated, and were not searched yet, they are.
        """
        records = self.source.encoded(f"{part.split}[{part.begin}:{part.end}]")
        if not self._searched:
            return records
        return keypoint_store.attach_to_part(
            records, self.source.data_path, part.split, part.number, self._find
        )

    def _keypoints(self, part):
        if not self._searched:
            return None
        return keypoint_store.digest(self.source.data_path, part.split, part.number)

    def _find(self, photo, boxes):
        if self._detector is None:
            self._detector = self.source.create_detector()
        return self._detector.find(photo, boxes)

    def close(self) -> None:
        """Free what the search for keypoints holds."""
        if self._detector is not None:
            self._detector.close()
            self._detector = None


def build(
    builder,
    download_config: tfds.download.DownloadConfig,
    make: Callable[[Work, Job], None],
) -> None:
    """Write the shards of a derived data set, and tell its `info` of them.

    Args:
        builder: an `AnonymizedBuilder` whose source is there; the shards go where its
            `data_path` is now.
        download_config: of TFDS.
        make: makes parts that are not there, and then all shards: `make_here`, or
            `beam_build.make` with its options.

    Raises:
        ValueError: if a photo cannot be anonymized, or the parts that are there were
            made from something else. Those that are whole are kept.
    """
    work = Work(builder, folder_of(builder))
    splits, most = work.source.info.splits, download_config.max_examples_per_split
    num_photos = {
        name: split.num_examples if most is None else min(split.num_examples, most)
        for name, split in splits.items()
    }
    templates = {name: builder.template_of(name) for name in splits}
    job = Job(
        work.folder,
        parts.plan(num_photos),
        templates,
        download_config.get_shard_config(),
    )
    with parts.opened(work.folder, _made_from(builder, work.source, num_photos)):
        make(work, job)
        _tell(builder.info, job)


def folder_of(builder) -> pathlib.Path:
    """Return the folder of the parts of a data set."""
    return pathlib.Path(builder.data_path).parent / f"unfinished.{builder.version}"


def remove_parts(builder) -> None:
    """Remove what is of no use once the data set is there."""
    shutil.rmtree(folder_of(builder), ignore_errors=True)


def _made_from(builder, source, num_photos):
    """Return all that every part depends on, as texts."""
    told = dict(builder.info.metadata)
    del told["counts"]
    rounding = told.pop("arithmetic")
    if told["weights_sha256"]:  # filters have equal bytes in every arithmetic
        told |= rounding
    shards = (path for split in source.info.splits.values() for path in split.filepaths)
    told |= {"photos": num_photos, "source_sha256": record_writer.digest(shards)}
    return {key: json.dumps(value, sort_keys=True) for key, value in told.items()}


def _tell(info, job):
    """Tell the info of a data set of what was made."""
    shards = plan_shards(job)
    splits = []
    for split, template in job.templates.items():
        made = [parts.about(job.folder, part) for part in job.of_split(split)]
        info.metadata["counts"][split] = {
            name: sum(about.counts[name] for about in made) for name in made[0].counts
        }
        lengths = [shard.num_records for shard in shards[split]]
        num_bytes = sum(about.num_bytes for about in made)
        splits.append(tfds.core.SplitInfo(split, lengths, num_bytes, template))
    info.set_splits(tfds.core.splits.SplitDict(splits))


# === On one machine ===


def make_here(work: Work, job: Job) -> None:
    """Make what is missing of a data set, with all processors of this machine."""
    for split in job.templates:
        of_split = job.of_split(split)
        if all(map(work.is_made, of_split)):
            continue
        source = work.source
        with_keypoints = work.builder.needs_keypoints
        read = source.encoded_with_keypoints if with_keypoints else source.encoded
        dataset = read(split)
        # Now, as all keypoints are there.
        missing = [part for part in of_split if not work.is_made(part)]
        bar = tqdm.tqdm(
            _records(dataset, missing),
            f"anonymizing {split}",
            total := of_split[-1].end,
            initial=total - sum(part.end - part.begin for part in missing),
            unit="photo",
            mininterval=1.0,
        )
        for _ in work.make(missing, bar):
            pass
    for shard in itertools.chain.from_iterable(plan_shards(job).values()):
        write_shard(shard)


def _records(dataset, missing):
    """Yield the records of parts, in one pass over those of their split."""
    first, numbers = missing[0].begin, {part.number for part in missing}
    for index, record in enumerate(dataset.skip(first), first):
        if index // parts.PHOTOS_PER_PART in numbers:
            yield record


# === Shards ===


def plan_shards(job: Job) -> dict[str, list[Shard]]:
    """Return the shards of each split, as TFDS would make them of the same records."""
    return {split: _shards_of(job, split) for split in job.templates}


def _shards_of(job, split):
    of_split, template = job.of_split(split), job.templates[split]
    num_records = of_split[-1].end
    num_bytes = sum(parts.about(job.folder, part).num_bytes for part in of_split)
    num_shards = job.shard_config.get_number_shards(num_bytes, num_records)
    ends = shard_utils.get_shard_boundaries(num_records, num_shards)
    shards = []
    for index, (begin, end) in enumerate(itertools.pairwise((0, *ends))):
        used = [part for part in of_split if part.begin < end and part.end > begin]
        path = template.sharded_filepath(shard_index=index, num_shards=num_shards)
        files = [str(parts.records_of(job.folder, part)) for part in used]
        shards.append(Shard(str(path), files, begin - used[0].begin, end - begin))
    return shards


def write_shard(shard: Shard) -> None:
    """Copy records of parts into a shard, as a whole or not at all."""
    records = tf.data.TFRecordDataset(shard.files)
    records = records.skip(shard.skip).take(shard.num_records)
    with (
        atomic.writing(shard.path) as file,
        tf.io.TFRecordWriter(file.name) as writer,  # it takes names only
    ):
        for record in records.as_numpy_iterator():
            writer.write(record)
