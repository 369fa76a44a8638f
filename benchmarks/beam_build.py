"""Building a data set on one machine, and by workers of Apache Beam.

  python benchmarks/beam_build.py
  python benchmarks/beam_build.py --photos=300

Photos of synthetic_crowd are anonymized by a generator: by this machine alone, by one
worker of Beam on one processor, and by two workers on two. Two more builds, alone and
by Beam, are killed when half of the parts are there, and started again. All end with
the same bytes, or the benchmark fails.

Printed are photos per second, from when each worker has made its first part, and what a
photo takes of the processors' time, with start and end of all processes. A build alone
uses all processors already: what tells how work spreads is two workers against one.
Expected: 0.9 of twice the rate, or more, where nothing else runs.
"""

import argparse
import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BEAM = "--runner=beam"
PHOTOS_PER_PART = 128


class Builds:
    """Commands that build one data set, each in a folder of its own."""

    def __init__(self, folder: pathlib.Path, arguments: argparse.Namespace):
        """Begin; `folder` is for all of them."""
        self.folder, self.photos = folder, arguments.photos
        self.anonymizer = arguments.anonymizer
        width, height = arguments.size
        self.flags = (
            *("--mode=build_dataset", "--dataset=synthetic_crowd"),
            f"--set=data.crowd.num_train={arguments.photos}",
            "--set=data.crowd.num_validation=1",
            *(f"--set=data.crowd.width={width}", f"--set=data.crowd.height={height}"),
            f"--anonymizer={self.anonymizer}",
        )

    def start(self, name: str, *flags: str, processors: str = "") -> subprocess.Popen:
        """Start a build whose source is there, unless it is the first."""
        data_dir = self.folder / name
        source = self.folder / "source"
        if source.exists() and not data_dir.exists():
            shutil.copytree(source, data_dir)
        command = [sys.executable, ROOT / "main.py", *self.flags, *flags]
        pinned = ["taskset", "-c", processors] if processors else []
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*pinned, *map(str, command), f"--data_dir={data_dir}"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def num_parts(self, name: str) -> int:
        """Return how many parts of a build are there."""
        folder = self.folder / name
        return len(list(folder.glob("*/*/unfinished.*/train-*.json")))

    def finish(self, name: str, process: subprocess.Popen, first: int = 1) -> str:
        """Wait for the end of a build, and return its rate.

        Args:
            name: of the build.
            process: as `start` returned it.
            first: parts after which the clock starts.
        """
        before, moments = _processor_seconds(), {}
        while process.poll() is None:
            moments.setdefault(self.num_parts(name), time.perf_counter())
            time.sleep(0.05)
        if process.returncode:
            print((self.folder / f"{name}.log").read_text(), file=sys.stderr)
            raise SystemExit(f"the build {name} failed")
        begun, last = min(n for n in moments if n >= first), max(moments)
        photos = self.photos - begun * PHOTOS_PER_PART
        seconds = moments[last] - moments[begun]
        rate = f"{photos / seconds:.1f} photos/s" if seconds else "too few photos"
        used = (_processor_seconds() - before) / self.photos
        return f"{rate}, {1000 * used:.0f} ms of processors each"

    def files(self, name: str) -> dict[str, bytes]:
        """Return what a data set consists of."""
        [folder] = (self.folder / name).glob(f"*/{self.anonymizer}-*/1.0.0")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kill_at_half(builds: Builds, name: str, *flags: str) -> None:
    """Start a build, and kill all its processes when half of it is there."""
    process = builds.start(name, *flags)
    half = builds.photos // PHOTOS_PER_PART // 2
    while builds.num_parts(name) < half:
        if process.poll() is not None:
            raise SystemExit(f"the build {name} ended before half of it was there")
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    print(f"{name}: killed with {builds.num_parts(name)} parts", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480))
    parser.add_argument("--anonymizer", default="sun2018")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        builds = Builds(pathlib.Path(folder), arguments)
        source = builds.start("source", "--anonymizer=original")
        if source.wait():
            raise SystemExit((builds.folder / "source.log").read_text())
        shutil.rmtree(next((builds.folder / "source").glob("*/original*")))

        def build(name, *flags, processors="", first=1):
            process = builds.start(name, *flags, processors=processors)
            print(f"{name}: {builds.finish(name, process, first)}", flush=True)

        build("alone")
        one, two = (f"--beam_options=--direct_num_workers={n}" for n in (1, 2))
        build("one-worker", BEAM, one, processors="0")
        build("two-workers", BEAM, two, first=2)
        for name, flags in {"alone-resumed": (), "beam-resumed": (BEAM, two)}.items():
            kill_at_half(builds, name, *flags)
            build(name, *flags, first=builds.num_parts(name) + 1)
        expected = builds.files("alone")
        for name in ("one-worker", "two-workers", "alone-resumed", "beam-resumed"):
            if builds.files(name) != expected:
                raise SystemExit(f"{name} has other bytes than a build alone")
    print("equal bytes")


if __name__ == "__main__":
    main()
