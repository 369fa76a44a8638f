"""Whether photos and the boxes on them fit together, before anything is written."""

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from safefakes_tf.photos import box_units, formats, name_matching
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from safefakes_tf.photos.inspection import Seen

TOLERANCE = 2  # px by which a box may reach beyond a photo that is turned
LARGEST = 2  # longer sides of the photo that a box may measure; more is a mistake
SMALLEST = 0.5  # px; a lesser box, relative to the photo perhaps, would hide nothing


def check_names(listed: Sequence[PhotoBoxes], taken: Iterable[str]) -> None:
    """Check that the photos can be written, and none where another file goes.

    Args:
        listed: the photos.
        taken: names of the other files in the output.

    Raises:
        ValueError: naming the photo.
    """
    taken = {name.casefold() for name in taken}
    for photo in listed:
        formats.check_name(photo.filename)
        if pathlib.PurePosixPath(photo.filename).parts[0].casefold() in taken:
            raise ValueError(
                f"photos must not lie in a folder called {', '.join(sorted(taken))}, "
                f"as the output has such files; got {photo.filename}; rename it"
            )


def check_present(folder: pathlib.Path, listed: Sequence[PhotoBoxes]) -> None:
    """Check that all photos are in a folder, each a file of its own.

    Raises:
        ValueError: naming the first that is not.
    """
    missing = [
        photo.filename
        for photo in listed
        if not os.path.isfile(folder / photo.filename)
    ]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(listed)} annotated photos are not in {folder}, "
            f"e.g. {missing[0]}; copy them there, or take them out of the annotations"
            f"{name_matching.nearest(folder, missing[0])}"
        )
    for one, other in names_of_one_file(folder, listed):
        raise ValueError(
            f"{one} and {other} are one file in {folder}, and each would show the "
            "other's faces; join their faces under one name"
        )


def names_of_one_file(
    folder: pathlib.Path, listed: Iterable[PhotoBoxes]
) -> Iterator[tuple[str, str]]:
    """Yield pairs of photos, all of which are there, that are one file.

    They are links, or the file system takes names for one that differ in case or in how
    letters are composed.
    """
    known = {}
    for photo in listed:
        about = (folder / photo.filename).stat()
        first = known.setdefault((about.st_dev, about.st_ino), photo.filename)
        if first != photo.filename:
            yield first, photo.filename


def fitted(
    listed: Sequence[PhotoBoxes], seen: Mapping[str, Seen], unit: str | None
) -> list[PhotoBoxes]:
    """Return boxes in pixels of their photos, all of which fit.

    Args:
        listed: the photos, their boxes in the unit of their format.
        seen: what each is found to be, by its name.
        unit: as of `box_units.in_pixels`.

    Raises:
        ValueError: as there, and as `check_fit`.
    """
    sizes = {name: each.size for name, each in seen.items()}
    listed = box_units.in_pixels(listed, sizes, unit)
    for photo in listed:
        check_fit(photo, seen[photo.filename].size, seen[photo.filename].turned)
    return listed


def check_fit(photo: PhotoBoxes, size: tuple[int, int], turned: bool) -> None:
    """Check that boxes and photo agree.

    Args:
        photo: its boxes, as annotated.
        size: height and width of the photo as viewers show it, in pixels.
        turned: whether its stored pixels lie otherwise.

    Raises:
        ValueError: naming the first face whose box does not fit.
    """
    shown = f"viewers show {size[1]} px wide and {size[0]} px high"
    if photo.size is not None and photo.size != (size[1], size[0]):
        width, height = photo.size
        swapped = photo.size == size
        insist = "" if swapped else ", or say that it is so with --box_units=pixels"
        raise ValueError(
            f"the annotations say that {photo.filename} is {width} px wide and "
            f"{height} px high, but {shown}; annotate it as it is shown{insist}"
        )
    near, extent = photo.boxes[:, [1, 0]], photo.boxes[:, [3, 2]]
    middle, far = near + extent / 2, near + extent
    misfits = {
        "its middle lies beside the photo": (middle < 0) | (middle > size),
        f"it is more than {LARGEST} times as large": extent > LARGEST * max(size),
        "it is less than half a pixel wide or high": extent < SMALLEST,
    }
    if turned:  # boxes on the stored pixels are the likely mistake
        misfits["it reaches beyond the photo, which is stored turned"] = (
            far > np.array(size) + TOLERANCE
        )
    for reason, misfit in misfits.items():
        if misfit.any():
            face = int(np.flatnonzero(misfit.any(axis=1))[0])
            box = " ".join(f"{value:g}" for value in photo.boxes[face])
            raise ValueError(
                f"face {face} of {photo.filename}, x y width height {box}, does not "
                f"fit: {reason}; {shown}; annotate it as it is shown, or take such "
                "boxes out"
            )
