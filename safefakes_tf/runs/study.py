"""--mode=study: one detector per anonymizer, same recipe and seed, then the table."""

import contextlib
import dataclasses
import gc
import math
import multiprocessing
import os
import pathlib
import sys
import threading
import time
import traceback

import tensorflow as tf
import tqdm

from safefakes_tf import atomic, faces, mistakes, report, runs, similarity
from safefakes_tf import workdir as files
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import Study, adapt, with_anonymizer
from safefakes_tf.config.next_command import command
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.weights import load_detector
from safefakes_tf.evaluation import results
from safefakes_tf.training import metrics_file, record_stream
from tfds_builders import registry as builders

# What a part needs and takes seconds to import.
PRELOADED = ["keras", "tensorflow_datasets", "matplotlib.pyplot"]


def run(settings: Study, workdir: pathlib.Path) -> list[report.Row]:
    """Train and evaluate a detector per name in `settings.study_anonymizers`.

    A finished part is not done again, an interrupted one goes on. The picture is drawn
    again only if a part is newer, or if it is gone. Without a GPU the parts run side by
    side, each on one thread: small networks gain little from more.

    Args:
        settings: the recipe that all share.
        workdir: gets a folder per anonymizer with its `log.txt`, `study.md`,
            `study.csv` and `study.png`.

    Returns:
        One row per anonymizer.

    Raises:
        ValueError: for a work folder of other settings, or what a part raises.
    """
    # Metrics of the photos change no detector: they may be asked for later.
    alike = dataclasses.replace(settings, similarity=SimilarityConfig())
    files.claim(alike, workdir)
    parts = [
        dataclasses.replace(settings, data=with_anonymizer(settings.data, name))
        for name in settings.study_anonymizers
    ]
    source = builders.create_source_builder(settings.data)
    builders.prepare(source)
    print(f"logs:    {workdir}/<anonymizer>/{files.LOG}", flush=True)
    _run_all(parts, workdir)
    rows = [_row(part, workdir / part.data.anonymizer) for part in parts]
    picture = workdir / files.PICTURE
    print(report.table(rows))
    atomic.write_text(workdir / files.TABLE, report.table(rows) + "\n")
    report.write_csv(rows, workdir / files.VALUES)
    if not _is_drawn(picture, rows):
        report.draw(rows, _examples(source, parts, workdir), picture)
    print(f"table:   {workdir / files.TABLE}\npicture: {picture}")
    print(command("train_detector", dataset="widerface", dry_run=True))
    return rows


def _run_all(parts, workdir):
    """Run each part that is not finished in a process of its own."""
    alone = bool(tf.config.list_physical_devices("GPU"))
    jobs = [
        (part, workdir / part.data.anonymizer, not alone)
        for part in parts
        if not (workdir / part.data.anonymizer / files.EVALUATION).exists()
    ]
    if not jobs:
        return
    # Forked from a process that has imported TensorFlow, once for all parts, and never
    # computes: that does not survive a fork. A new one per part, because the number of
    # threads can be set only once. All at once, so that no core idles while the last
    # part runs.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    told = context.SimpleQueue()
    processes = [
        context.Process(target=_run_part, args=(*job, told), daemon=True)
        for job in jobs
    ]
    try:
        failed = _watch(processes, jobs, at_once=1 if alone else len(jobs))
    finally:
        for process in processes:
            if process.pid:
                process.kill()
    if failed is not None:
        reason = f"its process ended with exit code {processes[failed].exitcode}"
        if not told.empty():  # the user's mistake, told as one anywhere else
            reason = told.get()
        raise ValueError(
            f"a detector of the study stopped: {reason}; its log is "
            f"{jobs[failed][1] / files.LOG}, and the same command goes on from there"
        )


def _watch(processes, jobs, at_once):
    """Run processes, and show their steps; return the index of one that failed."""
    total = sum(part.loop.total_steps for part, *_ in jobs)
    before = _steps_of(jobs)
    with tqdm.tqdm(None, "detectors", total, initial=before, unit="step") as bar:
        while True:
            started = [process for process in processes if process.pid]
            running = sum(process.exitcode is None for process in started)
            for process in processes[len(started) :][: at_once - running]:
                process.start()
            time.sleep(1.0)
            codes = [process.exitcode for process in processes]
            bar.update(_steps_of(jobs) - bar.n)
            bar.set_postfix(tested=f"{codes.count(0)} of {len(jobs)}")
            failed = [number for number, code in enumerate(codes) if code]
            if failed or codes.count(0) == len(codes):
                return failed[0] if failed else None


def _steps_of(jobs):
    logged = (_last_metrics(workdir) for _, workdir, _ in jobs)
    return sum(last["step"] for last in logged if last)


def _run_part(settings, workdir, one_thread, told):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(50_000, 20, 20)  # as main.py, which this process did not run
    if one_thread:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    workdir.mkdir(parents=True, exist_ok=True)
    with (
        (workdir / files.LOG).open("a") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        try:
            for mode in ("train_detector", "evaluate"):
                runs.start(mode, adapt(settings, mode), workdir)
        except Exception as error:
            traceback.print_exc()
            words = mistakes.in_words(error)
            if words is None:
                raise
            told.put(words)
            sys.exit(2)


def _end_with_parent():
    """End this process when the one that started it is gone, e.g. by SIGKILL.

    Else it would train on, and keep its work folder from the study's next start.
    """
    multiprocessing.parent_process().join()
    os._exit(1)


def _row(part, workdir):
    """Return the metrics of a finished part, and of its photos if they are wanted."""
    data, metrics = part.data, {}
    if part.similarity.metrics:
        path = workdir / files.SIMILARITY_OF_PART
        told = similarity.described(data, part.seed, part.similarity, path)
        metrics = told["values"]
    last = _last_metrics(workdir) or {"seconds": math.nan, "step": 0}
    ap = results.read(workdir / files.EVALUATION)
    weights = data.anonymization.weights
    shown_only = bool(weights) and generator_files.read_about(weights).demonstration
    return report.Row(
        data.anonymizer, ap, last["seconds"], last["step"], shown_only, metrics
    )


def _last_metrics(workdir):
    """Return what a training, which may go on, has logged last; None: nothing yet."""
    return next(reversed(metrics_file.read(workdir / files.METRICS)), None)


def _is_drawn(picture, rows):
    """Tell whether the picture shows the metrics that the parts now have."""
    metrics = [picture.parent / row.anonymizer / files.EVALUATION for row in rows]
    newest = max(path.stat().st_mtime_ns for path in metrics)
    return picture.exists() and picture.stat().st_mtime_ns > newest


def _examples(source, parts, workdir):
    """Show each detector on the same two photos: one of training, one of validation."""
    tested = _crowded(source.encoded("validation"))
    model = dsfd.build_dsfd(parts[0].model)
    # Not of final weights: one graph, traced once, serves those of all parts.
    photo_detector = detect.PhotoDetector(model, parts[0].inference)
    photo, examples = tested[faces.IMAGE].numpy(), []
    for part in parts:
        weights = workdir / part.data.anonymizer / files.DETECTOR_WEIGHTS
        load_detector(part.model, weights, model)
        detections = photo_detector(photo)
        annotated = tested[faces.BBOX].numpy()
        seen = _trained_on(source, part)
        examples.append(report.Example(seen, photo, detections, annotated))
    return examples


def _trained_on(source, part):
    """Return a training photo as the detector of a part saw it."""
    data = part.data
    anonymizer = anonymizers.create(
        data.anonymizer, data.anonymization, part.seed, source.keypoint_layout
    )
    # The training has searched them, where none are annotated.
    read = source.encoded_with_keypoints if anonymizer.keypoints else source.encoded
    return anonymizer(_crowded(read("train")))[faces.IMAGE].numpy()


def _crowded(records):
    """Return the first photo with five faces or more, else the first."""
    crowded = records.filter(lambda record: tf.shape(record[faces.BBOX])[0] >= 5)
    return record_stream.decode(next(iter(crowded.concatenate(records))))
