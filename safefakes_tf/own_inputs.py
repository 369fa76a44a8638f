"""Which photos a user wants to be anonymized, and the boxes on them."""

import os
import pathlib
import types
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from safefakes_tf.config.modes import Anonymize
from safefakes_tf.photos import box_files, checks, inspection, name_matching
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes


class Inputs(NamedTuple):
    """What a run reads.

    Attributes:
        folder: of the photos.
        listed: the photos; without boxes where faces are to be found.
        annotations: files of boxes by their names; none if faces are to be found.
        left_out: reason -> number of files that are no photos; see `photos.folder`.
        unreadable: photo that is left out -> why it does not decode.
    """

    folder: pathlib.Path
    listed: list[PhotoBoxes]
    annotations: Mapping[str, bytes] = types.MappingProxyType({})
    left_out: Mapping[str, int] = types.MappingProxyType({})
    unreadable: Mapping[str, str] = types.MappingProxyType({})


def annotated(settings: Anonymize) -> Inputs:
    """Return the photos that annotations name.

    Raises:
        ValueError: if annotations are malformed, or a photo is missing.
    """
    photos = pathlib.Path(settings.input)
    if not os.path.isdir(photos):
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    path = pathlib.Path(settings.annotations)
    files, listed = box_files.load(path, settings.data.category)
    listed = name_matching.match(photos, listed)
    checks.check_present(photos, listed)
    return Inputs(photos, listed, files)


def unannotated(settings: Anonymize) -> Inputs:
    """Return all photos of a folder, or the one that is named.

    Raises:
        ValueError: if there is none.
    """
    found = photo_folder.listing(pathlib.Path(settings.input))
    listed = [PhotoBoxes(name, np.zeros([0, 4])) for name in found.names]
    return Inputs(found.folder, listed, left_out=found.left_out)


def inspected(inputs: Inputs, settings: Anonymize) -> Inputs:
    """Return the photos that decode, with boxes in pixels that fit them.

    Raises:
        ValueError: if a photo does not decode, and `skip_unreadable` is off or no other
            does, or a photo does not fit its boxes.
    """
    filenames = [photo.filename for photo in inputs.listed]
    seen = inspection.inspect(inputs.folder, filenames, settings.max_megapixels)
    if not (settings.skip_unreadable and seen.seen):
        inspection.refuse_unreadable(seen)
    listed = [photo for photo in inputs.listed if photo.filename in seen.seen]
    listed = checks.fitted(listed, seen.seen, settings.data.box_units)
    return inputs._replace(listed=listed, unreadable=seen.unreadable)
