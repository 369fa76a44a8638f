"""Search for the keypoints of annotated faces, in several processes."""

import collections
import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.util
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from safefakes_tf.photos import reader


class Found(NamedTuple):
    """What a search found on a photo with N faces.

    Attributes:
        keypoints: float32 [N, 75, 2], layout `found`, y x relative to the photo.
        source: int64 [N], index in `faces.SOURCES`.
    """

    keypoints: np.ndarray
    source: np.ndarray


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


def find_all(
    photos: Iterable[tuple[bytes, np.ndarray]],
    create: Callable[[], Detector],
    num_processes: int = 1,
) -> Iterator[Found]:
    """Search many photos, in several processes.

    Args:
        photos: bytes of a JPEG or PNG file, and boxes as of `Detector.find`, each.
        create: makes a detector, once in each process; must be importable.
        num_processes: 1 searches in this one.

    Yields:
        What was found on each photo, in order.
    """
    if num_processes == 1:
        with contextlib.closing(create()) as found:
            yield from (
                found.find(reader.decode_stored(photo), boxes)
                for photo, boxes in photos
            )
        return
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive forks
    with concurrent.futures.ProcessPoolExecutor(
        num_processes, context, _create_in_process, (create,)
    ) as pool:
        waiting = collections.deque()
        for photo in photos:
            waiting.append(pool.submit(_find_in_process, *photo))
            if len(waiting) > 4 * num_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_detector = None  # of a worker process


def _create_in_process(create):
    global _detector
    _detector = create()
    # A worker process ends without what `atexit` knows.
    multiprocessing.util.Finalize(None, _detector.close, exitpriority=1)


def _find_in_process(encoded, boxes):
    return _detector.find(reader.decode_stored(encoded), boxes)
