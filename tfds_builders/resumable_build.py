"""The build of a data set from another: parts of it first, then the shards from them.

Records come in the order of the photos that they are made from, and so do the parts.
When all are there, their records are copied into shards, as many and as long as TFDS
makes them. A build that was killed goes on with the parts that it had made.
"""

import bisect
import itertools
import json
import pathlib
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_datasets as tfds
import tqdm
from tensorflow_datasets.core.utils import shard_utils

from safefakes_tf import atomic
from tfds_builders import keypoint_store, parts, record_reader
from tfds_builders.parts import Part


class Job(NamedTuple):
    """What is to be made; other processes get it, pickled.

    Attributes:
        folder: of the parts.
        parts: all of the data set.
        templates: of the paths of shards, by split, as TFDS has them.
        shard_config: tells how many shards there are, as TFDS has it.
        file_format: of parts and shards.
    """

    folder: pathlib.Path
    parts: list[Part]
    templates: dict[str, Any]
    shard_config: shard_utils.ShardConfig
    file_format: tfds.core.FileFormat

    def of_split(self, split: str) -> list[Part]:
        """Return the parts of a split."""
        return [part for part in self.parts if part.split == split]

    def about(self, part: Part) -> parts.About | None:
        """Return what is told of a part; None if it is not there as a whole."""
        return parts.about(self.folder, part, self.file_format)


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
            builder: a `ResumableBuilder`, whose source is there.
            folder: of the parts.
        """
        self.builder, self.folder = builder, folder
        self.source = builder.source_builder()
        self._searched = builder.needs_keypoints and self.source.searches_keypoints
        self._make = self._detector = None

    def is_made(self, part: Part) -> bool:
        """Tell whether a part is there, made from the keypoints that are there."""
        about = parts.about(self.folder, part, self.builder.info.file_format)
        return about is not None and about.keypoints == self._keypoints(part)

    def make(self, photos: tf.data.Dataset) -> Iterator[parts.Made]:
        """Yield what is made of photos, in turn.

        Args:
            photos: records of the source, with keypoints where the builder needs them.

        Raises:
            ValueError: if it cannot be made of a photo; names it.
        """
        if self._make is None:
            self._make = self.builder.maker(self.source)
        return self._make(photos)

    def write(
        self, missing: Iterable[Part], made: Iterator[parts.Made]
    ) -> Iterator[parts.About]:
        """Write parts, and yield what is told of each when it is there.

        Args:
            missing: the parts.
            made: of all their photos.

        Raises:
            ValueError: as `parts.write`.
        """
        for part in missing:
            yield parts.write(
                self.folder,
                part,
                itertools.islice(made, part.end - part.begin),
                self.builder.info,
                self.builder.counts(),
                self._keypoints(part),
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
    splits: Collection[str],
    download_config: tfds.download.DownloadConfig,
    make: Callable[[Work, Job], None],
) -> list[parts.About]:
    """Write the shards of a data set, and tell its `info` of them.

    Args:
        builder: a `ResumableBuilder`, whose source is there; the shards go where its
            `data_path` is now.
        splits: of the source, that there will be.
        download_config: of TFDS.
        make: makes parts that are not there, and then all shards: `make_here`, or
            `beam_build.make` with its options.

    Returns:
        What is told of the parts, in order. Without a single record there are no
        shards.

    Raises:
        ValueError: if a photo cannot be read, or the parts that are there were made
            from something else. Those that are whole are kept.
    """
    work = Work(builder, folder_of(builder))
    of_source, most = work.source.info.splits, download_config.max_examples_per_split
    num_photos = {name: of_source[name].num_examples for name in splits}
    if most is not None:
        num_photos = {name: min(count, most) for name, count in num_photos.items()}
    job = Job(
        work.folder,
        parts.plan(num_photos),
        {name: builder.template_of(name) for name in splits},
        download_config.get_shard_config(),
        builder.info.file_format,
    )
    with parts.opened(work.folder, _made_from(builder, work.source, num_photos)):
        make(work, job)
        _tell(builder.info, job)
        return list(map(job.about, job.parts))


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
    shards = (
        path for name in num_photos for path in source.info.splits[name].filepaths
    )
    told |= {"photos": num_photos, "source_sha256": record_reader.digest(shards)}
    return {key: json.dumps(value, sort_keys=True) for key, value in told.items()}


def _tell(info, job):
    """Tell the info of a data set of what was made."""
    shards = plan_shards(job)
    splits = []
    for split, template in job.templates.items():
        made = list(map(job.about, job.of_split(split)))
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
        photos = read(split)
        # Now, as all keypoints are there.
        missing = [part for part in of_split if not work.is_made(part)]
        with tqdm.tqdm(
            work.make(_photos_of(photos, missing)),
            f"{work.builder.DOES} {split}",
            total := of_split[-1].end,
            initial=total - sum(part.end - part.begin for part in missing),
            unit="photo",
            mininterval=1.0,
        ) as bar:
            for _ in work.write(missing, iter(bar)):
                pass
    for shard in itertools.chain.from_iterable(plan_shards(job).values()):
        write_shard(shard, job.file_format)


def _photos_of(photos, missing):
    """Return the photos of parts, in one pass over those of their split."""
    first, size = missing[0].begin, parts.PHOTOS_PER_PART
    numbers = tf.constant([part.number for part in missing], tf.int64)

    def is_missing(index, _):
        return tf.reduce_any(index // size == numbers)

    numbered = photos.skip(first).enumerate(first)
    return numbered.filter(is_missing).map(lambda _, photo: photo)


# === Shards ===


def plan_shards(job: Job) -> dict[str, list[Shard]]:
    """Return the shards of each split, as TFDS would make them of the same records."""
    return {split: _shards_of(job, split) for split in job.templates}


def _shards_of(job, split):
    of_split, template = job.of_split(split), job.templates[split]
    made = list(map(job.about, of_split))
    ends = list(itertools.accumulate(about.num_records for about in made))
    begins = [0, *ends[:-1]]
    num_records, num_bytes = ends[-1], sum(about.num_bytes for about in made)
    if not num_records:
        return []
    num_shards = job.shard_config.get_number_shards(num_bytes, num_records)
    limits = shard_utils.get_shard_boundaries(num_records, num_shards)
    shards = []
    for index, (begin, end) in enumerate(itertools.pairwise((0, *limits))):
        used = slice(bisect.bisect_right(ends, begin), bisect.bisect_left(begins, end))
        path = template.sharded_filepath(shard_index=index, num_shards=num_shards)
        files = [
            str(parts.records_of(job.folder, part, job.file_format))
            for part in of_split[used]
        ]
        skip = begin - begins[used.start]
        shards.append(Shard(str(path), files, skip, end - begin))
    return shards


def write_shard(shard: Shard, file_format: tfds.core.FileFormat) -> None:
    """Copy records of parts into a shard, as a whole or not at all."""
    of_parts = (record_reader.read(path, file_format) for path in shard.files)
    records = itertools.chain.from_iterable(of_parts)
    wanted = itertools.islice(records, shard.skip, shard.skip + shard.num_records)
    with atomic.writing(shard.path) as file:  # writers of records take names only
        writer = tfds.core.ExampleWriter(file_format)
        writer.write(file.name, ((None, record) for record in wanted))
