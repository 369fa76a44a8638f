"""The faces that detections are compared with: from WIDER FACE files or records."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
from absl import logging

from safefakes_tf.photos.box_files import wider, wider_mat

ALL = ("all",)  # the one difficulty where faces are told apart by none


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """The annotated faces of a validation set, those of all images in one array.

    Attributes:
        names: `event/image` of each image, without extension.
        num_boxes: int64 [I], faces per image, in the order of `names`.
        boxes: int32 [B, 4], left, top, width, height in pixels, image by image.
        difficulties: the names of the D difficulties.
        counting: bool [D, B], whether a face counts in each.
    """

    names: tuple[str, ...]
    num_boxes: np.ndarray
    boxes: np.ndarray
    difficulties: tuple[str, ...]
    counting: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """int64 [I + 1], where the faces of each image begin; the last is B."""
        return np.concatenate([[0], np.cumsum(self.num_boxes, dtype=np.int64)])

    @property
    def num_faces(self) -> np.ndarray:
        """int64 [D], faces that count in each difficulty."""
        return self.counting.sum(axis=1)


def image_name(filename: str | bytes) -> str:
    """Return `event/image` without extension for a photo's path in its source.

    The event is the first folder of the path; a photo outside any folder belongs to
    the event `all`.

    Raises:
        ValueError: if the path is empty, absolute, or leads upwards.
    """
    text = filename.decode("utf-8") if isinstance(filename, bytes) else str(filename)
    path = pathlib.PurePosixPath(text)
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError(
            "image/filename must be a path inside the data set, such as"
            f" 0--Parade/photo.jpg; got {text!r}"
        )
    event = path.parent if len(path.parts) > 1 else "all"
    return f"{event}/{path.stem}"


def from_records(
    records: Iterable[tuple], difficulties: tuple[str, ...] = wider.DIFFICULTIES
) -> GroundTruth:
    """Build the ground truth from annotated records, in their order.

    Args:
        records: per image a tuple (filename str or bytes; boxes int [N, 4] left, top,
            width, height in pixels; per difficulty, which faces count, bool [N]).
        difficulties: of the records; with none, all faces count.

    Raises:
        ValueError: if a record has other types or shapes, or a name comes twice.
    """
    names, boxes, counting = [], [], []
    for filename, image_boxes, *flags in records:
        name = image_name(filename)
        image_boxes = np.asarray(image_boxes)
        count = len(image_boxes)
        flags = np.asarray(flags if difficulties else np.ones([1, count], bool))
        if image_boxes.shape != (count, 4) or (
            count and image_boxes.dtype.kind not in "iu"
        ):
            raise ValueError(
                f"boxes of {name} must be whole pixels x y w h, int32 [N, 4]; got"
                f" {image_boxes.dtype} {list(image_boxes.shape)}"
            )
        if flags.shape != (len(difficulties or ALL), count) or (
            count and flags.dtype != bool
        ):
            raise ValueError(
                f"{', '.join(difficulties)} of {name} must be bool [{count}] each; got"
                f" {flags.dtype} {list(flags.shape)}"
            )
        names.append(name)
        boxes.append(image_boxes)
        counting.append(flags)
    return _assemble(names, boxes, difficulties or ALL, counting)


def _assemble(names, boxes, difficulties, counting):
    """Join per-image lists; the arrays' shapes are already checked."""
    for name, count in collections.Counter(names).items():
        if count > 1:
            raise ValueError(
                f"image names must differ without their extension; {name} comes twice"
            )
    none = np.zeros([len(difficulties), 0])
    return GroundTruth(
        names=tuple(names),
        num_boxes=np.array([len(b) for b in boxes], np.int64),
        boxes=np.concatenate([np.zeros([0, 4]), *boxes]).astype(np.int32),
        difficulties=difficulties,
        counting=np.concatenate([none, *counting], axis=1).astype(bool),
    )


# === WIDER FACE files ===


def load(path: str | pathlib.Path) -> GroundTruth:
    """Read the files of the WIDER FACE validation set.

    Args:
        path: folder with `wider_face_val.mat`, or else `wider_face_val_bbx_gt.txt`; or
            a text file like that. Which faces count is told by the three files
            `wider_{easy,medium,hard}_val.mat` beside it; without them, all do.

    Raises:
        ValueError: if files are missing, unreadable, or not of the same images.

    Source: WIDER FACE evaluation tools; wider_eval.md, section 1.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(
            f"the ground truth folder {path} does not exist; give the ground_truth"
            " folder of eval_tools.zip from the WIDER FACE web site"
        )
    if path.is_dir():
        path = _boxes_in(path)
    if path.suffix == ".mat":
        faces = list(wider_mat.read_boxes(path).items())
    else:
        faces = [
            (image_name(photo.filename), photo.rows[:, :4])
            for photo in wider.read_boxes(path)
        ]
    names, boxes = ([pair[part] for pair in faces] for part in (0, 1))
    lists = _read_lists(path, names)
    counting = [
        [of.counting(name, len(image)) for of in lists.values()]
        or [np.ones(len(image), bool)]
        for name, image in faces
    ]
    return _assemble(names, boxes, tuple(lists) or ALL, counting)


def _boxes_in(folder):
    for name in (wider_mat.BOXES, wider.TEXTS["val"]):
        if (folder / name).is_file():
            return folder / name
    raise _missing(wider_mat.BOXES, folder)


def _read_lists(path, names):
    """Return the lists of the faces that count; none if there is not one of them."""
    files = {key: path.with_name(name) for key, name in wider_mat.LISTS.items()}
    absent = [file for file in files.values() if not file.is_file()]
    if len(absent) == len(files):
        logging.warning(
            "no %s beside %s: all faces count",
            ", ".join(wider_mat.LISTS.values()),
            path,
        )
        return {}
    if absent:
        raise _missing(absent[0].name, path.parent)
    lists = {key: wider_mat.Difficulty(file) for key, file in files.items()}
    for key, file in files.items():
        # The files list the same images; a mixture of versions must not pass.
        if lists[key].names != set(names):
            raise ValueError(
                f"{file} lists other images than {path.name}; take all files from the"
                " same archive"
            )
    return lists


def _missing(name, folder):
    return ValueError(
        f"{name} is missing in {folder}; it lies in the ground_truth folder of"
        " eval_tools.zip from the WIDER FACE web site"
    )
