"""Which formats of photos are read and written here."""

import importlib
import importlib.util

from PIL import features

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
