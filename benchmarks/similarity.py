"""Image metrics: pairs per second, memory, and the time of what is compared elsewhere.

  python benchmarks/similarity.py --pairs=10000
  python benchmarks/similarity.py --trace
  python benchmarks/similarity.py --torch_python=SCRATCH/bin/python

Made-up photos of 640 x 480 with four faces each. The weights are those that
`make weights` fetches; FID is timed with random ones.

--pairs: the metrics, each alone, in pairs per second with reading and cropping of the
photos, and the memory of the process after every fifth of the pairs; the default is
all but FID and VGG, which take an hour each.
--trace: the trace of the root of two covariances of 2,048 features against
`scipy.linalg.sqrtm`, five rounds; expected: at least 10 times as fast, equal to 1e-6.
Other work on the machine disturbs CPU time on one thread, OPENBLAS_NUM_THREADS=1, less.
--torch_python: LPIPS against PyTorch's package `lpips` with the same weights, batches
in turn; expected: no slower, equal to 1e-5. The other Python is one of a scratch
environment with `torch` and, without what it depends on, `lpips`.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.linalg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf import faces, weight_files
from safefakes_tf.config.similarity import METRIC_VALUES, STANDARD, SimilarityConfig
from safefakes_tf.evaluation.similarity import (
    frechet,
    inception,
    pairs,
    registry,
)

DEFAULT = [name for name in STANDARD if name != "fid"]
FACES = 4  # per photo
BATCH = 32
ROUNDS, TRACE_ROUNDS = 15, 5


def records(rng, count):
    """Yield so many photos of noise with boxes, and a blacker version of each."""
    low = rng.uniform(0, 0.6, [count, FACES, 2])
    boxes = np.concatenate([low, low + rng.uniform(0.1, 0.4, low.shape)], axis=-1)
    noise = rng.integers(0, 256, [480, 640, 3], np.uint8)
    for number in range(count):
        record = {
            faces.FILENAME: f"{number}.jpg".encode(),
            faces.IMAGE: np.roll(noise, number, axis=0),
            faces.BBOX: boxes[number].astype(np.float32),
            faces.ACTION: np.full(FACES, faces.GENERATED),
        }
        yield record, {**record, faces.IMAGE: record[faces.IMAGE] // 2}


def measure_pairs(names, count):
    for name in names:
        if name == "fid":
            network = inception.build_inception()
            metric = frechet.FrechetDistance("fid", network, inception.VIEW)
        else:
            metric = registry.METRICS[name](SimilarityConfig())
        photos = list(zip(*records(np.random.default_rng(0), 4), strict=True))
        for batch in pairs.face_pairs(*photos, [metric.view], 16, True, pairs.Tally()):
            metric.update(*batch[metric.view])  # traced now
        streams = (
            (pair[side] for pair in records(np.random.default_rng(0), count // FACES))
            for side in range(2)
        )
        tally, memory, done = pairs.Tally(), [], 0
        start = time.perf_counter()
        for batch in pairs.face_pairs(*streams, [metric.view], BATCH, True, tally):
            metric.update(*batch[metric.view])
            done += len(batch[metric.view][0])
            if done * 5 // count > len(memory):
                memory.append(resident())
        seconds = time.perf_counter() - start
        print(
            f"{name:21} {done / seconds:7.1f} pairs/s ({done} pairs, {seconds:.0f} s); "
            f"memory after each fifth, MiB: {', '.join(f'{m:.0f}' for m in memory)}",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of the process: {peak:.0f} MiB")


def resident():
    """Return the memory of this process now, MiB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure_trace(size=2048):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal([size, size]) / np.sqrt(size)
    one, other = (
        np.cov(np.abs(rng.standard_normal([2 * size, size]) @ mixing), rowvar=False)
        for _ in range(2)
    )
    ratios = []
    for _ in range(TRACE_ROUNDS):
        trace, ours = timed(lambda: frechet.trace_of_root(one, other))
        root, theirs = timed(lambda: scipy.linalg.sqrtm(one @ other))
        ratios.append(theirs / ours)
        print(
            f"trace {ours[0]:.2f} s, sqrtm {theirs[0]:.2f} s; relative difference "
            f"{abs(trace / np.trace(root).real - 1):.1e}",
            flush=True,
        )
    clock, cpu = np.median(ratios, axis=0)
    print(f"times as fast, median: {clock:.1f} by the clock, {cpu:.1f} by CPU time")


def timed(compute):
    """Return a result, and how long it took: float64 [clock, CPU time]."""
    start = np.array([time.perf_counter(), time.process_time()])
    result = compute()
    return result, [time.perf_counter(), time.process_time()] - start


def measure_against_torch(python):
    path = weight_files.find(weight_files.LPIPS_ALEXNET)
    metric = registry.METRICS["lpips"](SimilarityConfig())
    rng = np.random.default_rng(0)
    first = rng.uniform(0, 255, [BATCH, 128, 128, 3]).astype(np.float32)
    second = np.roll(first, 3, axis=1) * rng.uniform(0, 1, [BATCH, 1, 1, 1])
    images = {"first": first, "second": second.astype(np.float32)}
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, **images)
        file.flush()
        worker = subprocess.Popen(
            [
                python,
                str(pathlib.Path(__file__).with_name("lpips_of_torch.py")),
                str(path),
                file.name,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with worker:
            rounds = [a_round(worker, metric, images) for _ in range(ROUNDS + 2)][2:]
            worker.stdin.close()
    ours, theirs, difference = np.moveaxis(np.array(rounds), -1, 0)
    for name, seconds in (("safefakes", ours), ("PyTorch", theirs)):
        print(f"{name:9} {BATCH / np.median(seconds):6.1f} pairs/s, median")
    print(
        f"PyTorch's time over ours, median of {ROUNDS} rounds: "
        f"{np.median(theirs / ours):.2f}; largest difference {difference.max():.1e}"
    )


def a_round(worker, metric, images):
    """Return the seconds of both for one batch, and how far the means are apart."""
    worker.stdin.write("first second\n")
    worker.stdin.flush()
    theirs, _, *distances = map(float, worker.stdout.readline().split())
    before = metric._sums.get("lpips", 0.0)
    start = time.perf_counter()
    metric.update(*images.values())
    ours = time.perf_counter() - start
    difference = (metric._sums["lpips"] - before) / BATCH - np.mean(distances)
    return ours, theirs, abs(difference)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--metrics", nargs="+", choices=METRIC_VALUES, default=DEFAULT)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--torch_python")
    options = parser.parse_args()
    if options.pairs:
        measure_pairs(options.metrics, options.pairs)
    if options.trace:
        measure_trace()
    if options.torch_python:
        measure_against_torch(options.torch_python)


if __name__ == "__main__":
    main()
