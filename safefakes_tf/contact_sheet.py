"""A grid of labelled pictures as one image."""

from collections.abc import Sequence

import cv2
import numpy as np

MARGIN = 6  # px between cells
LABEL_HEIGHT = 20  # px of a line of text


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str],
    captions: Sequence[str],
    cell: int = 192,
) -> np.ndarray:
    """Lay pictures out in rows under the labels of their columns.

    Args:
        rows: rows of uint8 [h, w, 3] RGB pictures of any size. Each is scaled to fit
            its cell: small ones pixel by pixel, so that what was done to them shows.
        columns: a label per column.
        captions: a label per row, written above it.
        cell: side of a cell in pixels.

    Returns:
        uint8 [H, W, 3] on white.

    Raises:
        ValueError: if the numbers of pictures and labels differ.
    """
    if len(captions) != len(rows) or any(len(row) != len(columns) for row in rows):
        raise ValueError(
            f"expected {len(captions)} rows of {len(columns)} pictures, as labelled; "
            f"got rows of {[len(row) for row in rows]}"
        )
    step, pitch = cell + MARGIN, cell + MARGIN + LABEL_HEIGHT
    height = LABEL_HEIGHT + MARGIN + pitch * len(rows)
    sheet = np.full([height, MARGIN + step * len(columns), 3], 255, np.uint8)
    lefts = range(MARGIN, sheet.shape[1], step)
    for left, label in zip(lefts, columns, strict=True):
        _write(sheet, label, LABEL_HEIGHT, left, shade=0)
    tops = range(LABEL_HEIGHT + MARGIN, height, pitch)
    for top, pictures, caption in zip(tops, rows, captions, strict=True):
        _write(sheet, caption, top + LABEL_HEIGHT - MARGIN, MARGIN, shade=110)
        for left, picture in zip(lefts, pictures, strict=True):
            fitted = _fit(picture, cell)
            window = sheet[top + LABEL_HEIGHT :, left:]
            window[: fitted.shape[0], : fitted.shape[1]] = fitted
    return sheet


def labelled(picture: np.ndarray, label: str) -> np.ndarray:
    """Return uint8 [h + `LABEL_HEIGHT`, w, 3], the picture under a label of its own.

    Letters beyond ASCII are shown as question marks: OpenCV draws no others.
    """
    strip = np.full([LABEL_HEIGHT, picture.shape[1], 3], 255, np.uint8)
    ascii_only = label.encode("ascii", "replace").decode()
    _write(strip, ascii_only, LABEL_HEIGHT, 0, shade=0)
    return np.concatenate([strip, picture])


def _fit(picture, cell):
    height, width = picture.shape[:2]
    scale = cell / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(picture, size, interpolation=method)


def _write(sheet, text, bottom, left, shade):
    font, colour = cv2.FONT_HERSHEY_SIMPLEX, (shade, shade, shade)
    cv2.putText(sheet, text, (left, bottom - 4), font, 0.5, colour, 1, cv2.LINE_AA)
