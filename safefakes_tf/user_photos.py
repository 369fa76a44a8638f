"""A user's photo files: read as viewers show them, written with nothing but pixels."""

import io
import pathlib

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

ORIENTATION = 0x0112  # the EXIF tag
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
SRGB = ImageCms.createProfile("sRGB")


def check_name(filename: str) -> None:
    """Raise a ValueError unless a photo of this name can be written."""
    suffix = pathlib.PurePath(filename).suffix.lower()
    if Image.registered_extensions().get(suffix) not in FORMATS:
        raise ValueError(
            f"photos must be {', '.join(FORMATS)} by their names; got {filename}"
        )


def read(path: pathlib.Path) -> tuple[np.ndarray, bool]:
    """Read a photo as viewers show it: turned upright, its colours in sRGB.

    Returns:
        uint8 [H, W, 3], RGB, and whether the stored pixels lie otherwise.

    Raises:
        ValueError: if the file is not there, is no photo or is cut short.
    """
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ORIENTATION, 1) != 1
            image.load()
            upright = ImageOps.exif_transpose(image)
            return np.array(_in_srgb(upright)), turned
    except FileNotFoundError:
        raise ValueError(f"photo {path} is missing") from None
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"photo {path} does not decode: {error}") from error


def write(path: pathlib.Path, pixels: np.ndarray, quality: int) -> None:
    """Write a photo in the format of its name, without any metadata, as a whole.

    EXIF, GPS, thumbnails, comments and colour profile are gone: the file is made of the
    pixels alone.

    Args:
        path: its suffix tells the format.
        pixels: uint8 [H, W, 3], sRGB.
        quality: of JPEG and WebP, 1..100.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    kind = Image.registered_extensions()[path.suffix.lower()]
    Image.fromarray(pixels).save(partial, format=kind, quality=quality)
    partial.replace(path)


def _in_srgb(image):
    """Return the photo as RGB of 8 bits; colours of another profile are converted."""
    profile = image.info.get("icc_profile")
    if image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")  # palettes, alpha, 16 bits
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):  # broken, or of another colour space
            return image.convert("RGB")
    return image.convert("RGB")
