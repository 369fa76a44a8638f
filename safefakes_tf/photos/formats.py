"""Which formats of photos are read and written here."""

import importlib
import importlib.util
import pathlib

from PIL import Image, features

from safefakes_tf.photos.box_files.photo_boxes import is_text

HEIF = ("HEIF", "AVIF")  # which not every installation reads
HEIF_BRANDS = (b"hei", b"hev", b"mif", b"msf", b"avi")  # how their kinds begin
HEIF_SUFFIXES = (".heic", ".heif", ".hif", ".avif")
HEIF_HINT = "HEIC and AVIF need more: pip install 'safefakes-tf[heif]'"
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")  # as Pillow calls them
if importlib.util.find_spec("pillow_heif"):
    importlib.import_module("pillow_heif").register_heif_opener()
    FORMATS += HEIF[:1]
if features.check("avif"):
    FORMATS += HEIF[1:]


def why_unknown(encoded: bytes) -> str:
    """Return why a file is not read whose bytes are of none of `FORMATS`."""
    is_heif = encoded[4:8] == b"ftyp" and encoded[8:12].startswith(HEIF_BRANDS)
    if is_heif and not set(HEIF) <= set(FORMATS):
        return HEIF_HINT
    return f"it is none of {', '.join(FORMATS)}, or damaged"


def is_photo(filename: str) -> bool:
    """Tell whether a file of this name is a photo in a format that can be written."""
    suffix = pathlib.PurePath(filename).suffix.lower()
    return Image.registered_extensions().get(suffix) in FORMATS


def check_name(filename: str) -> None:
    """Raise a ValueError unless a photo of this name can be written."""
    if not is_photo(filename):
        suffix = pathlib.PurePath(filename).suffix.lower()
        hint = f"; {HEIF_HINT}" if suffix in HEIF_SUFFIXES else ""
        raise ValueError(
            f"photos must be {', '.join(FORMATS)} by their names; got {filename}{hint}"
        )
    if not is_text(filename):
        raise ValueError(f"names of photos must be UTF-8; got {filename}; rename it")
