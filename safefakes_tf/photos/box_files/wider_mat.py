"""The MATLAB files of WIDER FACE's evaluation tools.

Source: wider_eval.md, section 1.
"""

import pathlib

import numpy as np
import scipy.io

from safefakes_tf.photos.box_files.wider import DIFFICULTIES

BOXES = "wider_face_val.mat"
LISTS = {name: f"wider_{name}_val.mat" for name in DIFFICULTIES}


def read_boxes(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Read `wider_face_val.mat`.

    Returns:
        Per photo, `<event>/<name>` without suffix, int32 [N, 4], x y width height in
        pixels.

    Raises:
        ValueError: if it is no such file.
    """
    boxes = _read(path, "face_bbx_list")
    return {name: rows.reshape(-1, 4).astype(np.int32) for name, rows in boxes.items()}


class Difficulty:
    """The faces that count in a difficulty: `wider_{easy,medium,hard}_val.mat`.

    Attributes:
        names: `<event>/<name>` without suffix of the photos in the file.
    """

    def __init__(self, path: pathlib.Path):
        """Read the file; raise a ValueError if it is no such one."""
        self._path = path
        self._numbers = _read(path, "gt_list")
        self.names = self._numbers.keys()

    def counting(self, name: str, num_faces: int) -> np.ndarray:
        """Return which faces of a photo count, bool [num_faces].

        Raises:
            ValueError: if the file does not know the photo, or counts other faces.
        """
        numbers = self._numbers.get(name, np.array([-1])).ravel().astype(np.int64)
        if numbers.size and not 1 <= numbers.min() <= numbers.max() <= num_faces:
            raise ValueError(
                f"{self._path} and the annotated boxes disagree on {name}: its "
                f"{num_faces} faces must be numbered from 1; got {numbers.min()} to "
                f"{numbers.max()}; take both from the WIDER FACE page"
            )
        return np.isin(np.arange(1, num_faces + 1), numbers)


def write_difficulty(path: pathlib.Path, counting: dict[str, np.ndarray]) -> None:
    """Write what `Difficulty` reads.

    Args:
        path: of the file.
        counting: which faces count, bool [N], of each photo: `<event>/<name>` without
            suffix.
    """
    events = {}
    for name, counts in counting.items():
        event, _, stem = name.rpartition("/")
        numbers = (np.flatnonzero(counts) + 1).reshape(-1, 1)
        events.setdefault(event, []).append((stem, numbers))
    rows = [zip(*photos, strict=True) for photos in events.values()]
    stems, numbers = zip(*rows, strict=True) if rows else ((), ())
    content = {
        "event_list": list(events),
        "file_list": [_column(names) for names in stems],
        "gt_list": [_column(of_event) for of_event in numbers],
    }
    scipy.io.savemat(path, {name: _column(cells) for name, cells in content.items()})


def _column(items):
    """Return a cell array of one column."""
    cells = np.empty([len(items), 1], object)
    for row, item in enumerate(items):
        cells[row, 0] = item
    return cells


def _read(path, variable):
    """Return per photo what a file holds of it, in the order of the file."""
    try:
        content = scipy.io.loadmat(path)
        names = "event_list", "file_list", variable
        cells = (_cells(content, name) for name in names)
        found = [
            (f"{event.item()}/{name.item()}", values)
            for event, files, of_files in zip(*cells, strict=True)
            for name, values in zip(files.ravel(), of_files.ravel(), strict=True)
        ]
    except Exception as error:  # a broken file can fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} is not the file of WIDER FACE's eval_tools.zip ({reason}); "
            "unpack it again"
        ) from error
    if len(dict(found)) != len(found):
        raise ValueError(f"{path} names a photo twice; unpack eval_tools.zip again")
    return dict(found)


def _cells(content, name):
    if name not in content or content[name].dtype != object:
        held = sorted(key for key in content if not key.startswith("__"))
        raise ValueError(f"it must hold the cell array {name}; it holds {held}")
    return content[name].ravel()
