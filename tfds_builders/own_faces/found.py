"""Faces of a folder of photos that nobody annotated."""

import pathlib
import zlib
from collections.abc import Iterator

import numpy as np
import tqdm

from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import found_faces, registry
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos import reader
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes


def photos(
    folder: pathlib.Path, detection: DetectionConfig
) -> Iterator[tuple[PhotoBoxes, int]]:
    """Yield the photos of a folder with the boxes of the faces that are found on them.

    Args:
        folder: of the photos, in any sub-folders.
        detection: by which detector, and how.

    Yields:
        Each photo, and the CRC-32 of its file.

    Raises:
        ValueError: if the detector's file is not there, no photo is, or one does not
            decode.
    """
    names = photo_folder.listing(folder).names
    with registry.opened(detection) as detector:
        for name in tqdm.tqdm(names, "searching faces", unit="photo"):
            with reader.reading(folder / name):
                encoded = (folder / name).read_bytes()
                pixels, _ = reader.decode_upright(encoded)
            found = found_faces.find(detector, pixels, detection.margin)
            height, width = pixels.shape[:2]
            boxes = found.boxes.astype(np.float64)
            yield PhotoBoxes(name, boxes, (width, height)), zlib.crc32(encoded)
