"""Reads photo files: upright, as viewers show them, or as they are stored."""

import collections
import concurrent.futures
import contextlib
import io
import math
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from safefakes_tf.photos import cut_jpegs, formats
from safefakes_tf.photos.formats import FORMATS

WIDTH, HEIGHT, ORIENTATION = 0x0100, 0x0101, 0x0112  # tags of TIFF and EXIF
TURNED = range(2, 9)  # values of the last; some cameras write 0 for upright
ON_ITS_SIDE = range(5, 9)  # of these, those that swap width and height
MAY_MOVE = ("PNG", "WEBP", "AVIF")
# What decoders raise for files that are broken.
UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, EOFError, struct.error)
WORKERS = os.cpu_count() or 1
WINDOW = 4 * WORKERS  # files in memory ahead of the consumer
SRGB = ImageCms.createProfile("sRGB")

# Larger photos are refused, as a file of a few bytes can claim any size. Pillow's limit
# counts for the whole process, and phones take larger photos.
MAX_MEGAPIXELS = 300.0
Image.MAX_IMAGE_PIXELS = None
STRIP = 2**18  # pixels that are copied at a time; more leave the cache


# === Upright ===


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return height and width of an opened photo as viewers show it, in pixels.

    Raises:
        ValueError: if viewers do not agree, see `is_turned`.
    """
    stored = image.size
    if image.format == "TIFF":  # of which newer Pillows tell the upright size
        stored = tuple(image.tag_v2[tag] for tag in (WIDTH, HEIGHT))
    on_its_side = _orientation(image) in ON_ITS_SIDE
    return stored if on_its_side else stored[::-1]


def decode_upright(
    encoded: bytes, max_megapixels: float = MAX_MEGAPIXELS
) -> tuple[np.ndarray, bool]:
    """Decode a photo as viewers show it: turned upright, its colours in sRGB.

    What is transparent becomes white: there may be anything underneath, such as a face
    that somebody erased. Of several pictures in a file, all but the first are left out.
    A JPEG file that lacks its last bytes is read as far as it goes, as viewers do.

    Args:
        encoded: bytes of the file, whose format they tell, not its name.
        max_megapixels: that the photo may have.

    Returns:
        uint8 [H, W, 3], RGB, and whether the stored pixels lie otherwise.

    Raises:
        One of `UNREADABLE`: if it is no photo, is too large, lacks more, or moves; see
            `reading`.
    """
    # Bytes, as Pillow maps files into memory, and then shears turned grey TIFFs.
    with opened(encoded, max_megapixels) as image:
        turned = is_turned(image)
        try:
            image.load()
        except OSError:
            if not encoded.startswith(cut_jpegs.BEGINNING):
                raise
            return decode_upright(cut_jpegs.mended(encoded), max_megapixels)
        ImageOps.exif_transpose(image, in_place=True)
        return _pixels(_opaque(in_8_bits(image))), turned


@contextlib.contextmanager
def opened(encoded: bytes, max_megapixels: float) -> Iterator[Image.Image]:
    """Give a photo of which only the head is read so far.

    Args:
        encoded: bytes of the file.
        max_megapixels: that the photo may have.

    Raises:
        One of `UNREADABLE`: if it is none of `FORMATS`, is too large, or moves.
    """
    try:
        image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(formats.why_unknown(encoded)) from None
    with image:
        megapixels = math.prod(image.size) / 1e6
        if megapixels > max_megapixels:
            raise ValueError(
                f"it has {megapixels:.4g} megapixels, and --max_megapixels is "
                f"{max_megapixels:g}"
            )
        if image.format in MAY_MOVE and getattr(image, "is_animated", False):
            raise ValueError("it is an animation; save the one picture of it")
        yield image


def is_turned(image: Image.Image) -> bool:
    """Tell whether viewers turn the stored pixels; of HEIF, the library does it.

    Args:
        image: opened, and not yet loaded.

    Raises:
        ValueError: if XMP or a text says so, and EXIF has no orientation: then viewers
            do not agree, and boxes may be meant either way.
    """
    return (image.info.get("original_orientation") or _orientation(image)) in TURNED


def _orientation(image):
    """Return the orientation that EXIF tells; None if it tells none.

    Pillow also takes it from XMP and from texts of PNG; browsers, and tools for
    annotation, do not.
    """
    told = image.getexif().get(ORIENTATION)
    if image.format == "TIFF":
        believed = image.tag_v2
    else:
        believed = Image.Exif()
        believed.load(image.info.get("exif", b""))
    if told in TURNED and ORIENTATION not in believed:
        raise ValueError(
            f"viewers disagree about which side is up: XMP or a text in it tells "
            f"orientation {told}, and EXIF none; save it upright, without these"
        )
    return told


def _pixels(image):
    """Return uint8 [H, W, 3], in strips: else NumPy makes two more copies."""
    width, height = image.size
    pixels = np.empty([height, width, 3], np.uint8)
    step = max(1, STRIP // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        pixels[top:bottom] = image.crop((0, top, width, bottom))
    return pixels


@contextlib.contextmanager
def reading(path):
    """Tell in one line what is wrong with a photo."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing") from None
    except UNREADABLE as error:
        reason = " ".join(str(error).split())  # some are of several lines
        raise ValueError(f"photo {path} does not decode: {reason}") from error


def in_8_bits(image: Image.Image) -> Image.Image:
    """Return a photo of 8 bits per channel; Pillow would cut 16 bits off at 255.

    Raises:
        One of `UNREADABLE`: if it does not decode, or its range is not known.
    """
    image.load()
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
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy


# === As stored ===


def decode_stored(encoded: bytes) -> np.ndarray:
    """Return uint8 [H, W, 3], RGB, as stored: an orientation tag is ignored.

    Raises:
        cv2.error: if OpenCV does not know the file.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


# === Several ===


def map_ahead(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Yield `function(item)` in order, computed in threads a few items ahead."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == WINDOW:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
