"""Which photos a user wants to be anonymized, and the boxes on them."""

import os
import pathlib
import types
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from safefakes_tf import own_folders, unfinished
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.own_folders import BOXES, LOG, METADATA, REVIEW
from safefakes_tf.photos import box_files, checks, inspection, name_matching
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes

# Nothing else in the output is called so.
OWN = (LOG, METADATA, REVIEW, unfinished.JOURNAL)


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


def checked(settings: Anonymize) -> Inputs:
    """Return the photos that decode, with boxes in pixels that fit them.

    Raises:
        ValueError: if there is no photo, annotations are malformed, a photo is missing,
            does not fit its boxes or would be written where another file goes, or
            photos do not decode, and `skip_unreadable` is off.
    """
    own_folders.check(settings)  # `main` did; others that call this have not
    inputs = _annotated(settings) if settings.annotations else _unannotated(settings)
    others = inputs.annotations or [BOXES]
    taken = *OWN, *(name.split("/")[0] for name in others)
    checks.check_names(inputs.listed, taken)
    return _inspected(inputs, settings)


def _annotated(settings):
    """Return the photos that annotations name."""
    _check_own(pathlib.Path(settings.annotations).name)
    photos = pathlib.Path(settings.input)
    if not os.path.isdir(photos):
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    path = pathlib.Path(settings.annotations)
    files, listed = box_files.load(path, settings.data.category)
    listed = name_matching.match(photos, listed)
    checks.check_present(photos, listed)
    return Inputs(photos, listed, files)


def _check_own(name):
    if name.casefold() in OWN:  # in some file systems case is nothing
        raise ValueError(
            f"--annotations must not be called {', '.join(OWN)}, as the output has "
            f"files of these names; got {name}; rename it"
        )


def _unannotated(settings):
    """Return all photos of a folder, or the one that is named."""
    found = photo_folder.listing(pathlib.Path(settings.input))
    listed = [PhotoBoxes(name, np.zeros([0, 4])) for name in found.names]
    return Inputs(found.folder, listed, left_out=found.left_out)


def _inspected(inputs, settings):
    """Return the photos that decode, with boxes in pixels that fit them."""
    filenames = [photo.filename for photo in inputs.listed]
    seen = inspection.inspect(inputs.folder, filenames, settings.max_megapixels)
    if not (settings.skip_unreadable and seen.seen):
        inspection.refuse_unreadable(seen)
    listed = [photo for photo in inputs.listed if photo.filename in seen.seen]
    listed = checks.fitted(listed, seen.seen, settings.data.box_units)
    return inputs._replace(listed=listed, unreadable=seen.unreadable)
