"""Whose faces they are: by the annotations, or by the folders of the photos."""

import itertools
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders.own_faces import splits

UNKNOWN = -1


def identities(listed: Iterable[PhotoBoxes], folders: bool) -> dict[str, np.ndarray]:
    """Number the people, in the order of their names.

    Args:
        listed: the photos.
        folders: whether a photo of which the annotations tell nobody's name shows the
            person that its folder is named after: hers is the largest face.

    Returns:
        Per photo the identity of each face, int64 [N]; -1 where it is not known.
    """
    names = {photo.filename: _names(photo, folders) for photo in listed}
    known = set(itertools.chain(*names.values())) - {None}
    number = {None: UNKNOWN} | {name: n for n, name in enumerate(sorted(known))}
    return {
        photo: np.array([number[name] for name in of_faces], np.int64)
        for photo, of_faces in names.items()
    }


def _names(photo: PhotoBoxes, folders: bool) -> Sequence[str | None]:
    if any(photo.identities) or not folders or not len(photo.boxes):
        return photo.identities or [None] * len(photo.boxes)
    above = pathlib.PurePosixPath(photo.filename).parent
    person = above.name if str(above) not in (".", *splits.FOLDERS) else None
    largest = photo.boxes[:, 2:].prod(axis=1).argmax()
    return [person if face == largest else None for face in range(len(photo.boxes))]
