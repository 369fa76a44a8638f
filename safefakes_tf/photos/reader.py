"""Reads photo files: upright, as viewers show them, or as they are stored."""

import collections
import concurrent.futures
import contextlib
import io
import pathlib
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf
from absl import logging
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

WIDTH, HEIGHT, ORIENTATION = 0x0100, 0x0101, 0x0112  # tags of TIFF and EXIF
TURNED = range(2, 9)  # values of the last; some cameras write 0 for upright
ON_ITS_SIDE = range(5, 9)  # of these, those that swap width and height
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAY_MOVE = ("PNG", "WEBP")
# What decoders raise for files that are broken, or larger than is sane.
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, KeyError, EOFError, struct.error),
    Image.DecompressionBombError,
)
PLAIN = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # how JPEG and PNG files begin
WORKERS = 2
WINDOW = 8  # files in memory ahead of the consumer
SRGB = ImageCms.createProfile("sRGB")


# === Upright ===


def size(path: pathlib.Path) -> tuple[tuple[int, int], bool]:
    """Tell how large viewers show a photo, without its pixels where its format can.

    Returns:
        Height and width in pixels, and whether the stored pixels lie otherwise.

    Raises:
        ValueError: if the file is not there or is no photo.
    """
    with reading(path), Image.open(path, formats=FORMATS) as image:
        orientation = image.getexif().get(ORIENTATION, 1)
        stored = image.size
        if image.format == "TIFF":  # of which newer Pillows tell the upright size
            stored = tuple(image.tag_v2[tag] for tag in (WIDTH, HEIGHT))
    upright = stored if orientation in ON_ITS_SIDE else stored[::-1]
    return upright, orientation in TURNED


def decode_upright(encoded: bytes) -> tuple[np.ndarray, bool]:
    """Decode a photo as viewers show it: turned upright, its colours in sRGB.

    What is transparent becomes white: there may be anything underneath, such as a face
    that somebody erased. Of several pictures in a file, all but the first are left out.

    Args:
        encoded: bytes of the file, whose format they tell, not its name.

    Returns:
        uint8 [H, W, 3], RGB, and whether the stored pixels lie otherwise.

    Raises:
        One of `UNREADABLE`: if it is no photo, is cut short or moves; see `reading`.
    """
    # Bytes, as Pillow maps files into memory, and then shears turned grey TIFFs.
    with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
        if image.format in MAY_MOVE and getattr(image, "is_animated", False):
            raise ValueError("it is an animation; save the one picture of it")
        turned = image.getexif().get(ORIENTATION) in TURNED
        image.load()
        upright = ImageOps.exif_transpose(image)
        return np.array(_opaque(_in_8_bits(upright))), turned


@contextlib.contextmanager
def reading(path):
    """Tell in one line what is wrong with a photo."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing") from None
    except UnidentifiedImageError:
        reason = f"it is none of {', '.join(FORMATS)}"
        raise ValueError(f"photo {path} does not decode: {reason}") from None
    except UNREADABLE as error:
        raise ValueError(f"photo {path} does not decode: {error}") from error


def _in_8_bits(image):
    """Return a photo of 8 bits per channel; Pillow would cut 16 bits off at 255."""
    if image.mode == "F":
        raise ValueError("the range of floating-point pixels is not known; save 8 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("the range of 32-bit pixels is not known; save 8 bits")
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if "icc_profile" in image.info:
        grey.info["icc_profile"] = image.info["icc_profile"]
    return grey


def _opaque(image):
    """Return the photo as RGB in sRGB, white where it is transparent."""
    if not image.has_transparency_data:
        return _in_srgb(image)
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    return Image.composite(_in_srgb(image), white, image.getchannel("A"))


def _in_srgb(image):
    """Return the photo as RGB of 8 bits; colours of another profile are converted."""
    profile = image.info.get("icc_profile")
    if image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")  # palettes, alpha
    # A profile may be broken, or of another colour space.
    with contextlib.suppress(ImageCms.PyCMSError, OSError):
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
    return image.convert("RGB")


# === As stored, for data sets ===


class Photo(NamedTuple):
    """A photo file that decodes to uint8 [height, width, 3].

    Attributes:
        encoded: bytes of a JPEG or PNG file.
        height, width: in pixels, of what `encoded` decodes to.
        untouched: whether `encoded` is the file as it came.
    """

    encoded: bytes
    height: int
    width: int
    untouched: bool


def check(encoded: bytes, name: str, upright: bool = False) -> Photo:
    """Return a photo that is known to decode.

    JPEG and PNG files, all of which TensorFlow reads as RGB of 8 bits, stay as they
    are. Other formats that OpenCV knows (TIFF, WebP, BMP) are stored as PNG.

    Args:
        encoded: bytes of the file.
        name: of the file, for the message.
        upright: whether boxes are annotated on what viewers show. Then a photo that is
            stored turned is stored upright, as PNG; else its orientation is ignored.

    Raises:
        ValueError: if the file does not decode.
    """
    try:
        if upright and _is_turned(encoded):
            return _as_png(decode_upright(encoded)[0])
        if not encoded.startswith(PLAIN):
            return _as_png(decode_stored(encoded))
        pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        return Photo(encoded, *pixels.shape[:2], untouched=True)
    except (tf.errors.InvalidArgumentError, cv2.error, *UNREADABLE) as error:
        raise ValueError(
            f"photo {name} does not decode: damaged, cut short or no photo; copy it "
            "again"
        ) from error


def decode_stored(encoded: bytes) -> np.ndarray:
    """Return uint8 [H, W, 3], RGB, as stored: an orientation tag is ignored.

    Raises:
        cv2.error: if OpenCV does not know the file.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_all(paths: Iterable[pathlib.Path], upright: bool = False) -> Iterator[Photo]:
    """Yield the photos of files, in order, decoding several at a time.

    Args:
        paths: of the files.
        upright: as of `check`.

    Raises:
        ValueError: naming the first file that is absent or does not decode.
    """
    total = converted = 0
    for photo in _map_ahead(lambda path: _checked(path, upright), paths):
        total += 1
        converted += not photo.untouched
        yield photo
    if converted:
        logging.warning(
            "%d of %d photos were neither JPEG nor PNG and are stored as PNG",
            converted,
            total,
        )


def _checked(path, upright):
    try:
        return check(path.read_bytes(), str(path), upright)
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing; copy the data set again") from None


def _is_turned(encoded):
    with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
        return image.getexif().get(ORIENTATION) in TURNED


def _as_png(pixels):
    png = tf.io.encode_png(pixels).numpy()
    return Photo(png, *pixels.shape[:2], untouched=False)


def _map_ahead(function, items):
    """Yield `function(item)` in order, computed in threads a few items ahead."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == WINDOW:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
