"""Photo files as data sets store them: JPEG or PNG, known to decode."""

import pathlib
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import tensorflow as tf
from absl import logging

from safefakes_tf.photos import cut_jpegs, reader

# How JPEG and PNG files begin.
PLAIN = (cut_jpegs.BEGINNING, b"\x89PNG\r\n\x1a\n")


class Photo(NamedTuple):
    """A photo file that decodes to uint8 [height, width, 3].

    Attributes:
        encoded: bytes of a JPEG or PNG file.
        height, width: in pixels, of what `encoded` decodes to.
        untouched: whether `encoded` is the file as it came.
        checksum: CRC-32 of the file as it came.
    """

    encoded: bytes
    height: int
    width: int
    untouched: bool
    checksum: int


def check(encoded: bytes, name: str, upright: bool = False) -> Photo:
    """Return a photo that is known to decode.

    JPEG and PNG files, all of which TensorFlow reads as RGB of 8 bits, stay as they
    are. Other formats are stored as PNG. A JPEG file that lacks its last bytes gets an
    end.

    Args:
        encoded: bytes of the file.
        name: of the file, for the message.
        upright: whether boxes are annotated on what viewers show. Then a photo that is
            stored turned is stored upright, and a transparent one on white, as PNG.
            Else a turned one is refused, as its boxes may be meant either way.

    Raises:
        ValueError: if the file does not decode, or is turned and must not be.
    """
    with reader.reading(name), reader.opened(encoded, reader.MAX_MEGAPIXELS) as image:
        turned, transparent = reader.is_turned(image), image.has_transparency_data
    if turned and not upright:
        raise ValueError(
            f"photo {name} is stored turned, as its EXIF orientation tells, and here "
            "boxes are for photos as stored; save it upright and without that tag, and "
            "its boxes to match"
        )
    try:
        plain = encoded.startswith(PLAIN)
        if upright and (turned or transparent or not plain):
            return _as_png(reader.decode_upright(encoded)[0], encoded)
        if plain:
            return _plain(encoded)
        return _as_png(reader.decode_stored(encoded), encoded)
    except (tf.errors.InvalidArgumentError, cv2.error, *reader.UNREADABLE) as error:
        raise ValueError(
            f"photo {name} does not decode: damaged, cut short or no photo; copy it "
            "again"
        ) from error


def _plain(encoded):
    try:
        pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        if not encoded.startswith(cut_jpegs.BEGINNING):
            raise
        mended = cut_jpegs.mended(encoded)
        pixels = tf.io.decode_image(mended, channels=3, expand_animations=False)
        return _photo(mended, pixels, encoded)
    return _photo(encoded, pixels, encoded)


def read_all(paths: Iterable[pathlib.Path], upright: bool = False) -> Iterator[Photo]:
    """Yield the photos of files, in order, decoding several at a time.

    Args:
        paths: of the files.
        upright: as of `check`.

    Raises:
        ValueError: naming the first file that is absent or does not decode.
    """
    total = converted = 0
    for photo in reader.map_ahead(lambda path: _checked(path, upright), paths):
        total += 1
        converted += not photo.untouched
        yield photo
    if converted:
        logging.warning(
            "%d of %d photos were neither JPEG nor PNG, turned, or cut short, and are "
            "stored otherwise",
            converted,
            total,
        )


def _checked(path, upright):
    try:
        return check(path.read_bytes(), str(path), upright)
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing; copy the data set again") from None


def _as_png(pixels, file):
    return _photo(tf.io.encode_png(pixels).numpy(), pixels, file)


def _photo(encoded, pixels, file):
    height, width = pixels.shape[:2]
    return Photo(encoded, height, width, encoded is file, zlib.crc32(file))
