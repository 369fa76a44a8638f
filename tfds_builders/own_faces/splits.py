"""Which photos are of the training, and which of the validation."""

import hashlib
import pathlib
from collections.abc import Sequence

from safefakes_tf.config import OwnFacesConfig
from safefakes_tf.photos.box_files.photo_boxes import spelled

FOLDERS = {"train": "train", "validation": "validation", "val": "validation"}


def split_of_each(
    folder: pathlib.Path, names: Sequence[str], options: OwnFacesConfig
) -> dict[str, str]:
    """Return the split of each photo: by list, else by folder, else by share.

    Args:
        folder: that `options` are about.
        names: of the photos, relative to it.
        options: see there.

    Raises:
        ValueError: if the list cannot be read or names a photo that is none of these,
            or if some photos, but not all, lie in the folders of the splits.
    """
    if options.validation_list is not None:
        listed = _read(folder, options.validation_list, set(names))
        return {name: _split(name in listed) for name in names}
    tops = {name: pathlib.PurePosixPath(name).parts[0] for name in names}
    outside = [name for name, top in tops.items() if top not in FOLDERS]
    if len(outside) == len(names):
        return {name: _split(_share(name) < options.validation_share) for name in names}
    if outside:
        raise ValueError(
            f"{len(outside)} of {len(names)} photos in {folder} lie in none of "
            f"{', '.join(FOLDERS)}, e.g. {outside[0]}; move them there, or name a list "
            "with --set=data.own_faces.validation_list=FILE"
        )
    return {name: FOLDERS[top] for name, top in tops.items()}


def find(folder: pathlib.Path, path: str) -> pathlib.Path:
    """Return the path of a file in a folder, or else in the current one."""
    inside = folder / path
    return inside if inside.exists() else pathlib.Path(path)


def _split(validation):
    return "validation" if validation else "train"


def _share(name):
    """Return a number from 0 up to 1 that only the name decides."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _read(folder, name, names):
    path = find(folder, name)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"data.own_faces.validation_list must name a text file; {path} cannot be "
            f"read: {error}"
        ) from error
    listed = {spelled(line.strip()) for line in lines if line.strip()}
    unknown = sorted(listed - names)
    if unknown:
        raise ValueError(
            f"{path} lists {len(unknown)} photos that the data set has not, e.g. "
            f"{unknown[0]}; write a path per line, relative to {folder}"
        )
    return listed
