"""Photo files: read and checked to decode; encoded for storage."""

import collections
import concurrent.futures
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf
from absl import logging

_PLAIN = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # how JPEG and PNG files begin
_WORKERS = 2
_WINDOW = 8  # files in memory ahead of the consumer


class Photo(NamedTuple):
    """A photo file that decodes to uint8 [height, width, 3].

    Attributes:
        encoded: bytes of a JPEG or PNG file.
        height, width: in pixels, as stored; EXIF orientation is ignored, because boxes
            are annotated on the stored pixels.
        untouched: whether `encoded` is the file as it came.
    """

    encoded: bytes
    height: int
    width: int
    untouched: bool


def check(encoded: bytes, name: str) -> Photo:
    """Return a photo that is known to decode.

    TensorFlow reads greyscale, CMYK and 16-bit files as RGB of 8 bits if they are JPEG
    or PNG; those stay as they are. Other formats that OpenCV knows (TIFF, WebP, BMP)
    are stored as PNG.

    Args:
        encoded: bytes of the file.
        name: of the file, for the message.

    Raises:
        ValueError: if the file does not decode.
    """
    if encoded.startswith(_PLAIN):
        try:
            pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
            return Photo(encoded, *pixels.shape[:2], untouched=True)
        except tf.errors.InvalidArgumentError as error:
            raise _undecodable(name) from error
    bgr = None
    if encoded:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    if bgr is None:
        raise _undecodable(name)
    png = tf.io.encode_png(np.ascontiguousarray(bgr[..., ::-1])).numpy()
    return Photo(png, *bgr.shape[:2], untouched=False)


def read_all(paths: Iterable[pathlib.Path]) -> Iterator[Photo]:
    """Yield the photos of files, in order, decoding several at a time.

    Raises:
        ValueError: naming the first file that is absent or does not decode.
    """
    total = converted = 0
    for photo in _map_ahead(_read, paths):
        total += 1
        converted += not photo.untouched
        yield photo
    if converted:
        logging.warning(
            "%d of %d photos were neither JPEG nor PNG and are stored as PNG",
            converted,
            total,
        )


def encode(image: tf.Tensor, image_format: str, jpeg_quality: int) -> tf.Tensor:
    """Encode a photo for storage.

    JPEG has its chroma at half resolution, as camera files do: the photos went through
    that once already, and full chroma costs a third more time and space.

    Args:
        image: uint8 [H, W, 3], RGB.
        image_format: `jpeg` or `png`.
        jpeg_quality: 1..100.

    Returns:
        string scalar.

    Raises:
        ValueError: for another format.
    """
    if image_format == "jpeg":
        return tf.io.encode_jpeg(
            image, format="rgb", quality=jpeg_quality, chroma_downsampling=True
        )
    if image_format == "png":
        return tf.io.encode_png(image)
    raise ValueError(f"image_format must be jpeg or png; got {image_format!r}")


def _read(path):
    try:
        return check(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing; copy the data set again") from None


def _undecodable(name):
    return ValueError(
        f"photo {name} does not decode: damaged, cut short or no photo; copy it again"
    )


def _map_ahead(function, items):
    """Yield `function(item)` in order, computed in threads a few items ahead."""
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == _WINDOW:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
