"""Records of photo files to anonymized records, with all processors at work.

Threads decode and take the first step of an anonymizer; the caller's thread lets a
network generate faces of several photos together; threads paste and encode. For a
method without a network the threads do it all. What comes out does not depend on any of
this: neither the pixels nor their order. It does depend on the `arithmetic`.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from safefakes_tf import faces
from safefakes_tf.anonymizers import base
from safefakes_tf.faces import Record
from safefakes_tf.photos import reader

# Photos on their way hold so many pixels together. Each takes 15 to 25 bytes: the photo
# before and after, and copies that libraries make.
MAX_PIXELS = 32_000_000
LEAST_PIXELS = 200_000  # what a photo counts at least, as bytes and records cost too
FACES_PER_CALL = 64  # so that the last, partly filled chunk of a call weighs little


class _Waiting(NamedTuple):
    """A record whose faces wait for the network."""

    record: Record
    begun: Any


@dataclasses.dataclass
class _Photo:
    """A photo on its way.

    Attributes:
        num_pixels: that it counts.
        future: of a `_Waiting`, or of the finished record.
        generated: whether the network has done its part.
    """

    num_pixels: int
    future: concurrent.futures.Future
    generated: bool = False

    def is_waiting(self):
        future = self.future
        return future.done() and isinstance(_result(future), _Waiting)


def anonymize(
    records: Iterable[Record],
    anonymizer: base.Anonymizer,
    decode: Callable[[Record], Record],
    encode: Callable[[Record], Any],
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Any]:
    """Anonymize records, each as `anonymizer(record)` does.

    Args:
        records: hold the bytes of a photo file as `image`, in a tensor or not.
        anonymizer: see `base.Anonymizer`.
        decode: record -> the record with pixels, uint8 [H, W, 3], and all else that
            `anonymizer` reads. Threads call it.
        encode: anonymized record -> what is yielded for it. Threads call it.
        max_pixels: of all photos on their way; a larger one goes its way alone.

    Yields:
        Results of `encode`, in the order of the records.

    Raises:
        ValueError: in the turn of a photo that cannot be anonymized; names it. Whatever
            else `records`, `decode` or `encode` raise comes in its turn, too.
    """

    def start(record):
        with _naming(record):
            record = decode(record)
            begun = anonymizer.begin(*anonymizer.inputs(record))
            record = {**record, faces.IMAGE: None}  # lets go of the pixels
        if anonymizer.num_waiting(begun):
            return _Waiting(record, begun)
        return finish(_Waiting(record, *anonymizer.generate([begun])))

    def finish(waiting):
        with _naming(waiting.record):
            result = anonymizer.finish(waiting.begun)
            return encode(base.with_result(waiting.record, *result))

    with _threads() as starters, _threads() as finishers:
        # The first photos are decoded, and searched, in the meantime.
        finishers.submit(anonymizer.prepare)
        coming = _starts(records, start, starters)
        num_pixels, begin = next(coming, (0, None))
        photos = collections.deque()
        while photos or begin:
            # 1. Begin as many photos as there is room for.
            room = max_pixels - sum(photo.num_pixels for photo in photos)
            if begin and (num_pixels <= room or not photos):
                photos.append(_Photo(num_pixels, begin()))
                num_pixels, begin = next(coming, (0, None))
            # 2. Hand out the first, as soon as it is finished.
            elif photos[0].future.done() and not photos[0].is_waiting():
                yield photos.popleft().future.result()
            # 3. Generate faces of several photos together.
            elif group := _next_group(photos, anonymizer, max_pixels // 2):
                waiting = [photo.future.result() for photo in group]
                begun = anonymizer.generate([each.begun for each in waiting])
                for photo, each, done in zip(group, waiting, begun, strict=True):
                    photo.generated = True
                    each = each._replace(begun=done)
                    photo.future = finishers.submit(finish, each)
            else:
                busy = [photo.future for photo in photos if not photo.future.done()]
                concurrent.futures.wait(
                    busy, return_when=concurrent.futures.FIRST_COMPLETED
                )


def _starts(records, start, pool):
    """Yield per record the pixels it counts, and a function that begins it."""
    try:
        for record in records:
            yield _num_pixels(record), functools.partial(pool.submit, start, record)
    except Exception as error:  # comes in its turn, behind the photos on their way
        failed = concurrent.futures.Future()
        failed.set_exception(error)
        yield 0, lambda: failed


def _num_pixels(record):
    """Return the pixels that a photo counts, as the head of its file tells."""
    encoded = np.asarray(record[faces.IMAGE]).item()
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return max(math.prod(image.size), LEAST_PIXELS)
    except reader.UNREADABLE:  # decoding will tell
        return MAX_PIXELS


def _next_group(photos, anonymizer, enough_pixels):
    """Return the photos to generate faces of; none while it is better to wait."""
    group, num_faces, num_pixels = [], 0, 0
    for photo in photos:
        if photo.is_waiting():
            group.append(photo)
            num_faces += anonymizer.num_waiting(photo.future.result().begun)
            num_pixels += photo.num_pixels
            if num_faces >= FACES_PER_CALL or num_pixels >= enough_pixels:
                return group
    begun = [photo.future.done() or photo.generated for photo in photos]
    return group if all(begun) else []


def _result(future):
    return None if future.exception() else future.result()


@contextlib.contextmanager
def _threads():
    """Give a thread per processor; at the end, even an early one, the rest is dropped.

    More would keep more memory: the system gives each of them a heap of its own.
    """
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _naming(record):
    """Tell in one line which photo an operation failed for."""
    try:
        yield
    except tf.errors.OpError as error:
        name = tf.compat.as_text(np.asarray(record[faces.FILENAME]).item())
        raise ValueError(
            f"photo {name} cannot be anonymized: {error.message.splitlines()[0]}"
        ) from error
