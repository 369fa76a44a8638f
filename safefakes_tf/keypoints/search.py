"""Search for the keypoints of annotated faces, in several processes."""

import collections
import concurrent.futures
import contextlib
import functools
import math
import multiprocessing
import multiprocessing.util
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from safefakes_tf.photos import reader

PHOTOS_PER_PROCESS = 16  # fewer do not pay for its start


class Found(NamedTuple):
    """What a search found on a photo with N faces.

    Attributes:
        keypoints: float32 [N, 75, 2], layout `found`, y x relative to the photo.
        source: int64 [N], index in `faces.SOURCES`.
        areas: float32 [N, 4], yxyx relative to the photo, the extent of the whole mesh
            or BlazeFace's box; zero where nobody answered.
    """

    keypoints: np.ndarray
    source: np.ndarray
    areas: np.ndarray


class Detector(Protocol):
    """Finds the keypoints of faces whose boxes are known."""

    def find(self, photo: np.ndarray, boxes: np.ndarray) -> Found:
        """Return the keypoints of the faces of a photo.

        Args:
            photo: uint8 [H, W, 3], RGB.
            boxes: float32 [N, 4], yxyx, relative to the photo.
        """

    def close(self) -> None:
        """Free what it holds."""


def num_processes(num_photos: int) -> int:
    """Return how many processes are worth their start for so many photos."""
    return max(1, min(os.cpu_count(), num_photos // PHOTOS_PER_PROCESS))


def find_all(
    photos: Iterable[tuple[bytes, np.ndarray]],
    create: Callable[[], Detector],
    num_processes: int = 1,
) -> Iterator[Found]:
    """Yield what is found on many photos, as they are stored, in order.

    Args:
        photos: bytes of a JPEG or PNG file, and boxes as of `Detector.find`, each.
        create, num_processes: as of `searching`.
    """
    with searching(create, num_processes) as search:
        waiting = collections.deque()
        for photo in photos:
            waiting.append(search(*photo))
            if len(waiting) > 4 * num_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextlib.contextmanager
def searching(
    create: Callable[[], Detector], num_processes: int, upright: bool = False
) -> Iterator[Callable[[bytes, np.ndarray], concurrent.futures.Future]]:
    """Give a function that searches a photo: its file's bytes, boxes -> future `Found`.

    Args:
        create: makes a detector, once in each process; must be importable.
        num_processes: 1 searches in this one.
        upright: whether boxes are for photos as viewers show them; else as stored.
    """
    if num_processes == 1:
        with (
            contextlib.closing(create()) as detector,
            concurrent.futures.ThreadPoolExecutor(1) as pool,
        ):
            yield functools.partial(pool.submit, _find, detector, upright)
        return
    # TensorFlow does not survive forks once it has run, but imports cost more than all
    # else at the start of a process: a server that only imports is forked.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["safefakes_tf.keypoints.mediapipe"])
    with concurrent.futures.ProcessPoolExecutor(
        num_processes, context, _create_in_process, (create,)
    ) as pool:
        yield functools.partial(pool.submit, _find_in_process, upright)


_detector = None  # of a worker process


def _create_in_process(create):
    global _detector
    _detector = create()
    # A worker process ends without what `atexit` knows.
    multiprocessing.util.Finalize(None, _detector.close, exitpriority=1)


def _find_in_process(upright, encoded, boxes):
    return _find(_detector, upright, encoded, boxes)


def _find(detector, upright, encoded, boxes):
    if upright:
        photo, _ = reader.decode_upright(encoded, math.inf)  # as it was let in already
        return detector.find(photo, boxes)
    return detector.find(reader.decode_stored(encoded), boxes)
