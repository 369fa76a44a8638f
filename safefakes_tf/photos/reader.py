"""Reads photo files as viewers show them."""

import contextlib
import io
import pathlib
import struct

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

WIDTH, HEIGHT, ORIENTATION = 0x0100, 0x0101, 0x0112  # tags of TIFF and EXIF
TURNED = range(2, 9)  # values of the last; some cameras write 0 for upright
ON_ITS_SIDE = range(5, 9)  # of these, those that swap width and height
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAY_MOVE = ("PNG", "WEBP")
# What decoders raise for files that are broken, or larger than is sane.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
SRGB = ImageCms.createProfile("sRGB")


def size(path: pathlib.Path) -> tuple[tuple[int, int], bool]:
    """Tell how large viewers show a photo, without its pixels where its format can.

    Returns:
        Height and width in pixels, and whether the stored pixels lie otherwise.

    Raises:
        ValueError: if the file is not there or is no photo.
    """
    with _reading(path), Image.open(path, formats=FORMATS) as image:
        orientation = image.getexif().get(ORIENTATION, 1)
        stored = image.size
        if image.format == "TIFF":  # of which newer Pillows tell the upright size
            stored = tuple(image.tag_v2[tag] for tag in (WIDTH, HEIGHT))
    upright = stored if orientation in ON_ITS_SIDE else stored[::-1]
    return upright, orientation in TURNED


def read(path: pathlib.Path) -> tuple[np.ndarray, bool]:
    """Read a photo as viewers show it: turned upright, its colours in sRGB.

    What is transparent becomes white: there may be anything underneath, such as a face
    that somebody erased. Of several pictures in a file, all but the first are left out.

    Returns:
        uint8 [H, W, 3], RGB, and whether the stored pixels lie otherwise.

    Raises:
        ValueError: if the file is not there, is no photo, is cut short or moves.
    """
    # Bytes, as Pillow maps files into memory, and then shears turned grey TIFFs.
    # Content tells the format, not the name; no other decoder gets to see it.
    with (
        _reading(path),
        Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS) as image,
    ):
        if image.format in MAY_MOVE and getattr(image, "is_animated", False):
            raise ValueError("it is an animation; save the one picture of it")
        turned = image.getexif().get(ORIENTATION) in TURNED
        image.load()
        upright = ImageOps.exif_transpose(image)
        return np.array(_opaque(_in_8_bits(upright))), turned


@contextlib.contextmanager
def _reading(path):
    """Tell in one line what is wrong with a photo."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing") from None
    except UnidentifiedImageError:
        raise ValueError(
            f"photo {path} does not decode: it is none of {', '.join(FORMATS)}"
        ) from None
    except UNREADABLE as error:
        raise ValueError(f"photo {path} does not decode: {error}") from error


def _in_8_bits(image):
    """Return the photo with 8 bits per channel; Pillow would cut 16 bits off at 255."""
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
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):  # broken, or of another colour space
            return image.convert("RGB")
    return image.convert("RGB")
