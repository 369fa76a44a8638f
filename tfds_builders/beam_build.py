"""The build of a data set from another by workers of Apache Beam.

They see the folder of data sets under the same path as this process. One element is a
part, and one that comes later a shard. What is made, and what it is made of, are files:
so a build goes on where any other was killed, whoever worked on it.
"""

import errno
import functools
import os
import pickle
import platform
import threading
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.utils import shared

from safefakes_tf import mistakes
from tfds_builders import beam_local_workers, beam_worker, parts, resumable_build
from tfds_builders.resumable_build import Job, Shard, Work

_NAMESPACE = "safefakes"  # of the counters
# What decides how TensorFlow computes, and so what the photos are, to the last bit.
_ENVIRONMENT = ("TF_", "ONEDNN_", "KERAS_")
_MOST_TOLD = 5  # failures


def make(options: Sequence[str], work: Work, job: Job) -> None:
    """Make what is missing of a data set; `resumable_build.build` calls it.

    Args:
        options: flags of Beam; without a runner among them, this machine does the work.
        work, job: what to make.

    Raises:
        ValueError: if the options are wrong, or parts could not be made; all others
            are there then.
        OSError: if the disk is full.
    """
    missing = [n for n, part in enumerate(job.parts) if not work.is_made(part)]
    print(
        f"beam:    {len(job.parts) - len(missing)} of {len(job.parts)} parts are there",
        flush=True,
    )
    try:
        with beam_local_workers.watched(), _pipeline(options) as pipeline:
            _build(pipeline, work.builder, job, missing)
    except Exception as error:  # each runner has a class of its own
        _refuse_failures(job)
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if "Worker subprocess exited" in str(error):
            raise ValueError(
                "a worker of Beam died, as they do when memory runs out; what is "
                "finished is kept; take fewer workers, as with --beam_options="
                "--direct_num_workers=1, then the same command goes on"
            ) from error
        raise
    _refuse_failures(job)
    _refuse_missing(work, job)


def _pipeline(options):
    try:
        parsed = PipelineOptions([*beam_local_workers.OPTIONS, *options])
        named = parsed.view_as(StandardOptions).runner
        runner = named or beam_local_workers.runner(parsed)
        return beam.Pipeline(runner, options=parsed)
    except (ValueError, ImportError, SystemExit) as error:
        reason = (str(error).strip() or "see above").splitlines()[0]
        raise ValueError(
            f"--beam_options are not as Beam wants them: {reason}"
        ) from None


def _build(pipeline, builder, job, missing):
    recipe = functools.partial(
        Worker, builder.recipe(), job, builder.info.metadata["arithmetic"]
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_ENVIRONMENT)
    }
    call = functools.partial(
        beam_worker.Call, shared.Shared(), pickle.dumps(recipe), environment
    )
    _ = (
        pipeline
        | "Parts" >> beam.Create(missing, reshuffle=True)
        | "MakePart" >> beam.ParDo(call("make_part"))
        | "WaitForAll" >> beam.CombineGlobally(sum)
        | "PlanShards" >> beam.ParDo(call("plan_shards"))
        | "Distribute" >> beam.Reshuffle()
        | "WriteShard" >> beam.ParDo(call("write_shard"))
    )


def _refuse_failures(job):
    failures = parts.failures(job.folder)
    if failures:
        told = "; ".join(failures[:_MOST_TOLD])
        raise ValueError(
            f"{len(failures)} of {len(job.parts)} parts could not be made ({told}); "
            "the others are kept"
        )


def _refuse_missing(work, job):
    """Refuse what workers have made elsewhere."""
    absent = sum(not work.is_made(part) for part in job.parts)
    if not absent:
        shards = resumable_build.plan_shards(job).values()
        paths = [shard.path for of_split in shards for shard in of_split]
        absent = sum(not os.path.exists(path) for path in paths)
    if absent:
        raise ValueError(
            f"the workers have finished, but {absent} of their files are not there; "
            f"all of them must see {job.folder.parent} under that path; the same "
            "command goes on"
        )


class Worker:
    """Does the work in one process, part after part: each takes all its threads."""

    def __init__(self, recipe, job: Job, arithmetic: dict[str, str]):
        """Begin.

        Args:
            recipe: makes the builder of the data set.
            job: what to make.
            arithmetic: of the process that planned it.
        """
        self._builder, self._job, self._arithmetic = recipe(), job, arithmetic
        self._work = Work(self._builder, job.folder)
        self._lock = threading.Lock()

    def make_part(self, number: int) -> Iterator[int]:
        """Make a part, and yield 1; tell it and yield nothing if that cannot be."""
        part = self._job.parts[number]
        with self._lock:
            try:
                self._check_arithmetic()
                made = self._work.make(self._work.read(part))
                [about] = self._work.write([part], made)
            except Exception as error:
                words = mistakes.in_words(error)
                if words is None:
                    raise  # Beam may try again
                parts.tell_failure(self._job.folder, part, words)
                return
        for name, count in about.counts.items():
            beam.metrics.Metrics.counter(_NAMESPACE, name).inc(count)
        yield 1

    def _check_arithmetic(self):
        here = self._builder.info.metadata["arithmetic"]
        if self._builder.info.metadata["weights_sha256"] and here != self._arithmetic:
            raise ValueError(
                f"worker {platform.node()} rounds in another way ({here}) than the "
                f"process that plans the build ({self._arithmetic}); start the build "
                "on a machine like the workers"
            )

    def plan_shards(self, _) -> Iterator[tuple]:
        """Yield the shards, if all parts are there."""
        if all(map(self._work.is_made, self._job.parts)):
            for shards in resumable_build.plan_shards(self._job).values():
                yield from map(tuple, shards)

    def write_shard(self, shard: tuple) -> Iterator[None]:
        """Write a shard, and yield nothing."""
        resumable_build.write_shard(Shard(*shard), self._job.file_format)
        yield from ()

    def close(self) -> None:
        """Free what the search for keypoints holds."""
        with self._lock:
            self._work.close()
