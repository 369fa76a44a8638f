"""--mode=anonymize with a generator, killed at random moments and started again.

  python -m benchmarks.killed_anonymization
  python -m benchmarks.killed_anonymization --photos=DIR --anonymizer=blackout

Faces are found, as nobody has annotated them, and generated. SIGKILL comes at a moment
drawn from the whole run, every other time from its part in which photos are written.
Until then the output is looked at all the time: each photo that is there, under
whatever name, must be a finished one, or the beginning of one. The same command then
goes on, and must end with the bytes of a run that nothing stopped, or the benchmark
fails. Expected: ten kills, equal bytes each, no other photo seen.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from safefakes_tf import locks, unfinished

ROOT = pathlib.Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "safefakes_tf" / "samples"
PAUSE = 0.05  # seconds between two looks
SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"II*", b"MM")  # of photos' files
OWN = (unfinished.JOURNAL, *locks.FILES)  # of a run that is not finished


class Runs:
    """Runs over the same photos, each with an output of its own."""

    def __init__(self, folder: pathlib.Path, arguments: argparse.Namespace):
        """Begin; `folder` is for all of them."""
        self.folder, self.finished = folder, {}
        self._inputs = arguments.photos
        self._flags = (
            *("--mode=anonymize", f"--anonymizer={arguments.anonymizer}"),
            f"--input={self._inputs}",
        )
        self.photos_seen = self.looks = 0

    def start(self, name: str) -> subprocess.Popen:
        """Start a run, or let it go on."""
        command = [sys.executable, ROOT / "main.py", *self._flags]
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*map(str, command), f"--output={self.folder / name}"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def finish(self, name: str) -> tuple[float, float]:
        """Run to the end; return the seconds to the first photo and to the output.

        The process goes on for a moment after that, when there is nothing to kill.
        """
        process, begun = self.start(name), time.perf_counter()
        first = whole = None
        while process.poll() is None:
            now = time.perf_counter() - begun
            if first is None and self.photos(name):
                first = now
            if whole is None and (self.folder / name).exists():
                whole = now
            time.sleep(PAUSE)
        if process.returncode:
            raise SystemExit((self.folder / f"{name}.log").read_text())
        return first, whole

    def files(self, name: str) -> dict[str, bytes]:
        """Return what a run has written so far, by the paths in its output."""
        found = {}
        for top in (self.folder / name, self.folder / f"{name}.partial"):
            with contextlib.suppress(FileNotFoundError):  # it was renamed meanwhile
                for path in top.rglob("*"):
                    if path.is_file() and path.name not in OWN:
                        found[path.relative_to(top).as_posix()] = path.read_bytes()
        return found

    def photos(self, name: str) -> list[str]:
        """Return the names of the photos that are there under their own."""
        return [each for each in self.files(name) if (self._inputs / each).exists()]

    def look(self, name: str) -> None:
        """Fail if there is a photo, or a part of one, that no finished run has."""
        self.looks += 1
        for path, content in self.files(name).items():
            begun = any(each.startswith(content) for each in self.finished.values())
            if content != self.finished.get(path, content) or (
                not begun and content.startswith(SIGNATURES)
            ):
                raise SystemExit(f"{name}: {path} is not as it is in a finished run")
            self.photos_seen += path in self.finished

    def kill(self, name: str, seconds: float, from_first_photo: bool) -> bool:
        """Start a run, look at its output, and kill it after some seconds.

        Returns:
            Whether it was killed; else it had come to its end, which is removed.
        """
        process, begun = self.start(name), time.perf_counter()
        while process.poll() is None:
            self.look(name)
            now = time.perf_counter()
            if from_first_photo and not self.photos(name):
                begun = now
            if now - begun >= seconds:
                break
            time.sleep(PAUSE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.look(name)
        if not (self.folder / name).exists():
            return True
        self.compare(name)
        shutil.rmtree(self.folder / name)
        return False

    def compare(self, name: str) -> None:
        """Fail if a run has not ended with the bytes of one that nothing stopped."""
        if self.files(name) != self.finished:
            raise SystemExit(f"{name} has other bytes than a run left alone")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, default=SAMPLES)
    parser.add_argument("--anonymizer", default="sun2018")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(pathlib.Path(folder), arguments)
        first, whole = runs.finish("expected")
        runs.finished = runs.files("expected")
        print(f"{whole:.0f} s, the first photo after {first:.0f}", flush=True)
        for number in range(arguments.kills):
            name, late = f"run-{number}", bool(number % 2)
            after = "the first photo" if late else "the start"
            killed = False
            while not killed:
                seconds = moments.uniform(0, whole - first if late else whole)
                killed = runs.kill(name, seconds, from_first_photo=late)
            there = f"{len(runs.photos(name))} photos there"
            print(f"{name}: killed {seconds:.1f} s after {after}, {there}", flush=True)
            runs.finish(name)
            runs.compare(name)
    print(f"equal bytes; {runs.photos_seen} photos seen in {runs.looks} looks")


if __name__ == "__main__":
    main()
