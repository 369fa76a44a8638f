"""Inputs of every reader, broken at random: photos, annotations, settings, data sets…

    PYTHONPATH=.:tests python tests/importers/hostile_inputs.py --count=2000

reads so many, and tells what happened. `mutations` does more of it to files of weights.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import input_edits as edits
import input_kinds as kinds

import main

SECONDS = 10  # of the processor, as other programs may have it meanwhile


class _TooLong(BaseException):
    """No `except Exception` stops it."""


def _stop(*_):
    raise _TooLong


def outcome(number: int, names: Sequence[str] = tuple(kinds.KINDS)) -> tuple[str, str]:
    """Read a broken input of one of the kinds, which take turns.

    Returns:
        The kind, and 'read', 'refused', or what else happened.
    """
    name = names[number % len(names)]
    kind, draw = kinds.KINDS[name], random.Random(f"{name} {number}")
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top, "inside")
        folder.mkdir()
        kind.write(draw, folder)
        files = sorted(path for path in folder.glob(kind.broken) if path.is_file())
        edits.broken(draw, draw.choice(files))
        result = _told(lambda: kind.read(folder))
        if os.listdir(top) != ["inside"]:
            result = f"outside: {os.listdir(top)}"
    return name, result


def _told(read):
    """Return how the command line would end."""
    errors = io.StringIO()
    previous = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(errors):
            main.main = lambda _: read()
            main.run([])
        return "read"
    except SystemExit as stop:
        *_, line, end = errors.getvalue().split("\n")
        whole = stop.code == 2 and end == "" and line.isprintable()
        return "refused" if whole else f"lines: {stop.code} {errors.getvalue()!r:.3000}"
    except BaseException as error:
        return f"trace: {error!r:.300}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
        main.main = kinds.main_of_product


def read_in_this_process(start, stop, names):
    """Print a line for each input."""
    for number in range(start, stop):
        with contextlib.redirect_stdout(sys.stderr):
            told = outcome(number, names)
        print(json.dumps(told), flush=True)


def read_in_children(start, stop, names):
    """Yield number, kind and what happened; after a child that dies comes another."""
    while start < stop:
        command = [sys.executable, __file__, "--here", f"--kinds={','.join(names)}"]
        command += [f"--start={start}", f"--count={stop - start}"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in child.stdout:
            yield start, *json.loads(line)
            start += 1
        if child.wait():
            yield start, names[start % len(names)], f"ended: {child.returncode}"
            start += 1


def run():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--start", type=int, default=0, help="number of the first")
    parser.add_argument("--kinds", default=",".join(kinds.KINDS))
    parser.add_argument("--here", action="store_true", help="without a child process")
    flags = parser.parse_args()
    names, stop = flags.kinds.split(","), flags.start + flags.count
    if flags.here:
        read_in_this_process(flags.start, stop, names)
        return
    outcomes = collections.defaultdict(collections.Counter)
    for number, name, result in read_in_children(flags.start, stop, names):
        first = result.partition(":")[0]
        outcomes[name][first] += 1
        if first not in ("read", "refused"):
            print(f"{number} {name}: {result}", flush=True)
    for name, counts in outcomes.items():
        print(name, dict(counts))


if __name__ == "__main__":
    run()
