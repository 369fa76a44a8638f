"""Writes photo files that hold nothing but pixels."""

import io
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from safefakes_tf import atomic


def write(path: pathlib.Path, pixels: np.ndarray, quality: int) -> None:
    """Write a photo as a whole, in the format of its name and without any metadata.

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
    with atomic.writing(path) as file:
        file.write(encoded.getbuffer())


def encode(image: tf.Tensor, image_format: str, jpeg_quality: int) -> tf.Tensor:
    """Encode a photo of a data set, as a TensorFlow op.

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
