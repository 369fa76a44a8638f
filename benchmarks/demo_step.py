"""Milliseconds of a step of the demo's detector, also against another version's.

  python benchmarks/demo_step.py
  python benchmarks/demo_step.py --other=DIR

Network, batch, optimizer and loop are those of --config=quickstart; the photos are made
up, augmented as in a training, and then kept in memory. Both versions run in turn, each
in processes of its own, and a step is what the loop takes from one log to the next:
its calls, the reading of its losses and all. Printed are the medians over all logs of
the clock's time and of the processor's time over all threads. Where other work shares
the machine, only the latter says much.
"""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROUNDS, LOG_EVERY, LOGS = 2, 25, 9  # the first log follows tracing


def measure() -> list[tuple[float, float]]:
    """Return milliseconds per step, by clock and processor, of every log but one."""
    import dataclasses

    from benchmarks.input_pipeline import make_records
    from configs import quickstart
    from safefakes_tf.config import adapt
    from safefakes_tf.detectors.dsfd import input as detection
    from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
    from safefakes_tf.training import loop, strategy

    settings = adapt(quickstart.get_config(), "train_detector")
    limits = dataclasses.replace(settings.loop, total_steps=LOGS * LOG_EVERY)
    # First of all, as long as TensorFlow has not started.
    with contextlib.suppress(ImportError):  # older versions leave it to TensorFlow
        from safefakes_tf.training import threads

        threads.set_up(settings)
    crowd = settings.data.crowd
    batches = detection.training_dataset(
        make_records(crowd.height, crowd.width),
        settings.augmentation,
        settings.model.input_size,
        limits.global_batch_size,
        settings.seed,
    )
    batches = batches.take(16).cache().repeat()
    devices = strategy.create("cpu")
    with devices.scope():
        trainer = DetectorTrainer(settings, batches)
    times, learning_rate = [], trainer.learning_rate

    def noted():  # what the loop asks for when it logs
        times.append((time.perf_counter(), time.process_time()))
        return learning_rate()

    trainer.learning_rate = noted
    with tempfile.TemporaryDirectory() as workdir:
        loop.train(trainer, lambda _: batches, devices, limits, pathlib.Path(workdir))
    return [
        tuple((end - start) / LOG_EVERY * 1e3 for start, end in zip(*pair, strict=True))
        for pair in itertools.pairwise(times)
    ]


def measure_in(code: pathlib.Path) -> list[tuple[float, float]]:
    """Return `measure` of the version in a folder."""
    script = "import json, runpy, sys; sys.path.insert(0, '.'); print(json.dumps("
    script += (
        f"runpy.run_path({str(pathlib.Path(__file__).resolve())!r})['measure']()))"
    )
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=code,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(process.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=pathlib.Path, help="code of another version")
    other = parser.parse_args().other
    versions = {"this": ROOT} | ({"other": other} if other else {})
    times = {name: [] for name in versions}
    for _ in range(ROUNDS):
        for name, code in versions.items():
            times[name] += measure_in(code)
    medians = {}
    for name, pairs in times.items():
        medians[name] = [statistics.median(kind) for kind in zip(*pairs, strict=True)]
        clock, processor = medians[name]
        print(f"{name}: {clock:.1f} ms a step, {processor:.1f} ms of processor time")
    if other:
        pairs = zip(medians["other"], medians["this"], strict=True)
        clock, processor = (before / now for before, now in pairs)
        print(f"this is {clock:.2f} times as fast, {processor:.2f} in processor time")


if __name__ == "__main__":
    main()
