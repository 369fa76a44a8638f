"""Scenes composed by several processes at a time, in order.

Each process composes every n-th scene and writes it into a pipe; a full pipe lets it
wait. They run this module instead of being forked, or spawned by `multiprocessing`:
TensorFlow does not survive a fork, and a spawned process runs the user's script again,
which may build the same data set.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2

from safefakes_tf.config import CrowdConfig
from tfds_builders.synthetic_crowd import annotations, heads, scenes

SCENES_PER_PROCESS = 16  # fewer do not pay for its start
_AHEAD = 2**20  # bytes of finished scenes, about ten, that wait in a pipe


class Composed(NamedTuple):
    """What is kept of a scene.

    Attributes:
        jpeg: the photo's file bytes.
        faces: what is known about its annotated faces.
    """

    jpeg: bytes
    faces: annotations.Annotation


def num_processes(num_scenes: int) -> int:
    """Return how many processes are worth their start for so many scenes."""
    return max(1, min(os.cpu_count(), num_scenes // SCENES_PER_PROCESS))


def compose_all(
    config: CrowdConfig, split: str, count: int, num_processes: int
) -> Iterator[Composed]:
    """Yield the scenes of a split; they do not depend on the number of processes.

    Args:
        config: of the crowd.
        split: of the scenes.
        count: how many.
        num_processes: 1 composes in this one.

    Raises:
        ValueError: if a process dies.
    """
    if num_processes == 1:
        yield from _compose(config, split, range(count))
        return
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(_started()) for _ in range(num_processes)]
        for number, process in enumerate(processes):
            shares = config, split, range(number, count, num_processes)
            with process.stdin as pipe:
                pickle.dump(shares, pipe)
        for index in range(count):
            yield _next_of(processes[index % num_processes])


@contextlib.contextmanager
def _started():
    # It imports this package as this process does, whatever folder it runs in.
    paths = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", f"import {__name__} as composing; composing.answer()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        pipesize=_AHEAD,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _next_of(process):
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        raise ValueError(
            "a process that composes scenes died, as they do when memory runs out; "
            "give the same command again"
        ) from error


def _compose(config, split, indices: Iterable[int]):
    bank = heads.load()
    composer, tiles = scenes.Composer(bank, config), scenes.split_tiles(bank)[split]
    for index in indices:
        rng = scenes.random_generator(config.seed, split, index)
        scene = composer.compose(rng, tiles)
        yield Composed(scene.jpeg, scene.faces)


def answer() -> None:
    """Compose a share of the scenes, as `compose_all` asks for by pipes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that asked has it as well
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # it is gone: nobody wants the rest
    cv2.setNumThreads(1)
    for composed in _compose(*pickle.load(sys.stdin.buffer)):
        pickle.dump(composed, sys.stdout.buffer)
        sys.stdout.buffer.flush()
