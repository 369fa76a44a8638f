"""Writes photo files that hold nothing but pixels."""

import io
import os
import pathlib

import numpy as np
from PIL import Image

from safefakes_tf.photos.reader import FORMATS


def check_name(filename: str) -> None:
    """Raise a ValueError unless a photo of this name can be written."""
    suffix = pathlib.PurePath(filename).suffix.lower()
    if Image.registered_extensions().get(suffix) not in FORMATS:
        raise ValueError(
            f"photos must be {', '.join(FORMATS)} by their names; got {filename}"
        )


def write(path: pathlib.Path, pixels: np.ndarray, quality: int) -> None:
    """Write a photo in the format of its name, without any metadata, as a whole.

    EXIF, GPS, thumbnails, comments and colour profile are gone: the file is made of the
    pixels alone.

    Args:
        path: its suffix tells the format.
        pixels: uint8 [H, W, 3], sRGB.
        quality: of JPEG and WebP, 1..100.

    Raises:
        ValueError: if the format has no photos of this size.
        OSError: if the file cannot be written.
    """
    kind = Image.registered_extensions()[path.suffix.lower()]
    encoded = io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, format=kind, quality=quality)
    except (OSError, ValueError) as error:
        height, width = pixels.shape[:2]
        raise ValueError(
            f"{path.name}, {width} x {height} px, does not go into a file of type "
            f"{kind}: {error}; name it .png"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(encoded.getbuffer())
        file.flush()
        os.fsync(file.fileno())  # before the name: what has one is whole
    partial.replace(path)
