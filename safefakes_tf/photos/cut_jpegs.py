"""JPEG files that lack their last bytes, as after a copy that was cut off.

Viewers show them: what is missing is grey, or coarser if the file is progressive.

Source: ITU-T T.81, annex B.
"""

import io

import numpy as np
from PIL import Image

BEGINNING, END = b"\xff\xd8\xff", b"\xff\xd9"
MOST_MISSING = 0.1  # of the picture; more is no accident at the end of a copy
SCAN = b"\xff\xda"
FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC))
GREY = 128  # of all channels, where there are no data


def mended(encoded: bytes) -> bytes:
    """Return a JPEG file that lacks its last bytes, with an end.

    Args:
        encoded: of a file that does not decode.

    Raises:
        ValueError: if it lacks more than its last bytes.
    """
    if encoded.endswith(END) or not _all_scans_have_begun(encoded):
        raise ValueError("it is damaged, or cut short")
    ended = encoded + END
    missing = _missing(ended)
    if missing > MOST_MISSING:
        raise ValueError(f"it is cut short: {missing:.0%} of the picture are missing")
    return ended


def _missing(encoded):
    """Return the share of a picture behind the last block that is not grey."""
    with Image.open(io.BytesIO(encoded), formats=["JPEG"]) as image:
        image.draft(image.mode, (1, 1))  # one pixel per block
        blocks = np.atleast_3d(np.asarray(image, np.int16))
    told = (np.abs(blocks - GREY) > 1).any(axis=-1).ravel()
    return 1 - (np.flatnonzero(told).max(initial=-1) + 1) / told.size


def _all_scans_have_begun(encoded):
    """Tell whether the data of every component have begun, to the last bit of them."""
    frame, position = None, 2
    while encoded[position : position + 2] != SCAN:
        if position + 4 > len(encoded):
            return False
        marker, length = encoded[position + 1], _word(encoded, position + 2)
        if marker in FRAMES:
            frame = encoded[position : position + 2 + length]
        position += 2 + length
    if frame is None or len(frame) < 10 + 3 * frame[9]:
        return False
    awaited = {(frame[10 + 3 * i], end) for i in range(frame[9]) for end in (0, 63)}
    while position >= 0:
        components, spectrum = _scan(encoded, position)
        awaited -= {(name, end) for name in components for end in spectrum}
        position = encoded.find(SCAN, position + 2)
    return not awaited


def _scan(encoded, position):
    """Return of a scan its components, and its ends of the spectrum if it is exact."""
    count = encoded[position + 4] if position + 4 < len(encoded) else 0
    header = encoded[position + 5 : position + 8 + 2 * count]
    if len(header) < 2 * count + 3:
        return (), ()
    first, last, approximation = header[-3:]
    return header[: 2 * count : 2], () if approximation & 15 else (first, last)


def _word(encoded, position):
    return int.from_bytes(encoded[position : position + 2], "big")
