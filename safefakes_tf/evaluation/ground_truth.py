"""The faces that detections are compared with: from WIDER FACE files or records."""

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
import scipy.io

SPLITS = ("easy", "medium", "hard")
DEFAULT_EVENT = "all"


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """The annotated faces of a validation set, those of all images in one array.

    Attributes:
        names: `event/image` of each image, without extension; its prediction file
            lies at this path plus `.txt`.
        num_boxes: int64 [I], faces per image, in the order of `names`.
        boxes: int32 [B, 4], left, top, width, height in pixels, image by image.
        counting: bool [3, B], whether a face counts in easy, medium, hard.
    """

    names: tuple[str, ...]
    num_boxes: np.ndarray
    boxes: np.ndarray
    counting: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """int64 [I + 1], where the faces of each image begin; the last is B."""
        return np.concatenate([[0], np.cumsum(self.num_boxes, dtype=np.int64)])

    @property
    def num_faces(self) -> np.ndarray:
        """int64 [3], faces that count in easy, medium, hard."""
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
    if len(path.parts) == 1:
        path = DEFAULT_EVENT / path
    return path.with_suffix("").as_posix()


def from_records(records: Iterable[tuple]) -> GroundTruth:
    """Build the ground truth from annotated records, in their order.

    Args:
        records: per image a tuple (filename str or bytes; boxes int [N, 4] left, top,
            width, height in pixels; easy, medium, hard bool [N]).

    Raises:
        ValueError: if a record has other types or shapes, or a name comes twice.
    """
    names, boxes, counting = [], [], []
    for filename, image_boxes, *flags in records:
        name = image_name(filename)
        image_boxes = np.asarray(image_boxes)
        flags = np.asarray(flags)
        count = len(image_boxes)
        if image_boxes.shape != (count, 4) or (
            count and image_boxes.dtype.kind not in "iu"
        ):
            raise ValueError(
                f"boxes of {name} must be whole pixels x y w h, int32 [N, 4]; got"
                f" {image_boxes.dtype} {list(image_boxes.shape)}"
            )
        if flags.shape != (3, count) or (count and flags.dtype != bool):
            raise ValueError(
                f"easy, medium, hard of {name} must be bool [{count}] each; got"
                f" {flags.dtype} {list(flags.shape)}"
            )
        names.append(name)
        boxes.append(image_boxes)
        counting.append(flags)
    return _assemble(names, boxes, counting)


def _assemble(names, boxes, counting):
    """Join per-image lists; the arrays' shapes are already checked."""
    unique = set()
    for name in names:
        if name in unique:
            raise ValueError(
                f"image names must differ without their extension; {name} comes twice"
            )
        unique.add(name)
    return GroundTruth(
        names=tuple(names),
        num_boxes=np.array([len(b) for b in boxes], np.int64),
        boxes=np.concatenate([np.zeros([0, 4]), *boxes]).astype(np.int32),
        counting=np.concatenate([np.zeros([3, 0]), *counting], axis=1).astype(bool),
    )


# === WIDER FACE files ===


def load(directory: str | pathlib.Path) -> GroundTruth:
    """Read the four MATLAB files of the WIDER FACE validation set.

    Args:
        directory: folder with `wider_face_val.mat` and, for each split,
            `wider_<split>_val.mat`.

    Returns:
        The images in the order of `wider_face_val.mat`.

    Raises:
        ValueError: if the folder or a file is missing, unreadable, or if the files do
            not describe the same images.

    Source: WIDER FACE evaluation tools; wider_eval.md, section 1.
    """
    folder = pathlib.Path(directory)
    if not folder.is_dir():
        raise ValueError(
            f"the ground truth folder {folder} does not exist; give the ground_truth"
            " folder of eval_tools.zip from the WIDER FACE web site"
        )
    faces_path = folder / "wider_face_val.mat"
    faces = _read_mat(faces_path, ("event_list", "file_list", "face_bbx_list"))
    names = _image_names(faces)
    boxes = [b.reshape(-1, 4) for b in _per_image(faces["face_bbx_list"])]
    if len(boxes) != len(names):
        raise ValueError(
            f"{faces_path} must hold one box list per image; got {len(boxes)} for"
            f" {len(names)} images"
        )
    counting = [np.zeros([3, len(b)], bool) for b in boxes]
    for row, split in enumerate(SPLITS):
        path = folder / f"wider_{split}_val.mat"
        lists = _read_mat(path, ("event_list", "file_list", "gt_list"))
        # The files store the same images; a mixture of versions must not pass.
        if _image_names(lists) != names:
            raise ValueError(
                f"{path} lists other images than {faces_path.name}; take all four"
                " files from the same archive"
            )
        _mark_counting(path, row, names, _per_image(lists["gt_list"]), counting)
    return _assemble(names, boxes, counting)


def _read_mat(path, variables):
    if not path.is_file():
        raise ValueError(
            f"{path.name} is missing in {path.parent}; it lies in the ground_truth"
            " folder of eval_tools.zip from the WIDER FACE web site"
        )
    try:
        content = scipy.io.loadmat(path, variable_names=variables)
    except Exception as error:  # SciPy raises many kinds on a damaged file.
        raise ValueError(
            f"{path} must be a MATLAB v5 file and cannot be read ({error}); copy it"
            " again from eval_tools.zip"
        ) from error
    for variable in variables:
        if variable not in content or content[variable].dtype != object:
            raise ValueError(
                f"{path} must hold the cell array {variable}; it holds"
                f" {sorted(k for k in content if not k.startswith('__'))}"
            )
    return content


def _image_names(content):
    """`event/image` of every image of a file, event by event."""
    events = [cell.item() for cell in content["event_list"].ravel()]
    return [
        f"{event}/{cell.item()}"
        for event, files in zip(events, content["file_list"].ravel(), strict=True)
        for cell in files.ravel()
    ]


def _per_image(cells):
    """The arrays in a cell array over events of cell arrays over images."""
    return [image for event in cells.ravel() for image in event.ravel()]


def _mark_counting(path, row, names, lists, counting):
    """Set row `row` of each image's flags from its list of 1-based box numbers."""
    if len(lists) != len(names):
        raise ValueError(
            f"{path} must hold one list per image; got {len(lists)} for"
            f" {len(names)} images"
        )
    for name, numbers, flags in zip(names, lists, counting, strict=True):
        # Stored as uint8 where that suffices, in which 0 - 1 would be 255.
        rows = numbers.ravel().astype(np.int64) - 1
        if rows.size and not 0 <= rows.min() <= rows.max() < flags.shape[1]:
            raise ValueError(
                f"{path} must number the {flags.shape[1]} boxes of {name} from 1; got"
                f" {rows.min() + 1} to {rows.max() + 1}"
            )
        flags[row, rows] = True
