"""WIDER FACE prediction files: one text file per image, `<dir>/<event>/<image>.txt`.

Line 1 is the image name, line 2 the number of boxes, then one line `x y w h score` per
box: left, top, width and height in pixels, by falling score.
"""

import itertools
import os
import pathlib

import numpy as np
from absl import logging

from safefakes_tf import atomic
from safefakes_tf.evaluation.box_conventions import check_convention
from safefakes_tf.evaluation.ground_truth import GroundTruth, image_name
from safefakes_tf.evaluation.wider_face import Predictions, sort_by_score

_COLUMNS = "x y w h score"


def write(
    directory: str | os.PathLike,
    filename: str | bytes,
    boxes_xywh: np.ndarray,
    scores: np.ndarray,
) -> pathlib.Path:
    """Write the detections of one image, sorted by falling score.

    Coordinates are rounded to a hundredth of a pixel; float32 scores keep their value.

    Args:
        directory: root of the prediction files; folders are made as needed.
        filename: the photo's path in its source (`image/filename` of the record).
        boxes_xywh: float [M, 4], left, top, width, height in pixels.
        scores: float [M].

    Returns:
        Path of the file.

    Raises:
        ValueError: if shapes do not fit or a value is not finite.

    Source: WIDER FACE evaluation tools; wider_eval.md, section 2.
    """
    name = image_name(filename)
    boxes = np.asarray(boxes_xywh, np.float64)
    scores = np.asarray(scores, np.float64)
    if boxes.shape != (len(scores), 4) or scores.ndim != 1:
        raise ValueError(
            f"detections on {name} must be boxes [M, 4] and scores [M]; got"
            f" {list(boxes.shape)} and {list(scores.shape)}"
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise ValueError(
            f"detections on {name} must be finite; got NaN or infinity, most likely"
            " from a diverged model"
        )
    order = np.argsort(-scores, kind="stable")
    rows = np.column_stack([boxes, scores])[order].tolist()
    lines = [name, str(len(rows))]
    lines += [f"{x:.2f} {y:.2f} {w:.2f} {h:.2f} {s:.9g}" for x, y, w, h, s in rows]
    path = pathlib.Path(directory) / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    # As a whole, so that a killed run leaves no cut-off file behind.
    atomic.write_text(path, "\n".join(lines) + "\n")
    return path


def read(
    directory: str | os.PathLike, ground_truth: GroundTruth, ours: bool = False
) -> Predictions:
    """Read the prediction files of a validation set.

    Blank lines and trailing blanks are passed over. Images without a file, or with an
    empty one, count as without detections, scores that stand first are put last,
    unsorted files are sorted by falling score, and files of unknown images lend only
    their scores: each with one warning that counts them.

    Args:
        directory: root of the prediction files.
        ground_truth: the images that detections are wanted for.
        ours: whether `write` made the files, so that their convention is known: the
            boxes of a detector that learnt nothing can look like any.

    Returns:
        The detections in the order of the ground truth.

    Raises:
        ValueError: if the folder is missing or holds no file of any of the images; if
            a file is malformed (names the file and line); if the boxes of the set are
            in another convention than x y w h in pixels.

    Source: wider_eval.md, sections 2, 3 and 6.
    """
    root = pathlib.Path(directory)
    if not root.is_dir():
        raise ValueError(
            f"the prediction folder {root} does not exist; expected"
            " <folder>/<event>/<image>.txt"
        )
    # A text file outside any event is no prediction.
    files = sorted(root.glob("*/**/*.txt"))
    paths = {path.relative_to(root).with_suffix("").as_posix(): path for path in files}
    _check_coverage(root, paths, ground_truth.names)
    contents = {name: _parse(path) for name, path in paths.items()}
    empty = [name for name, path in paths.items() if not path.stat().st_size]
    _warn(root, empty, "are empty and count as without detections")
    if not ours and _score_first([rows for rows, _ in contents.values()]):
        _warn(root, list(contents), "have score x y w h; read as x y w h score")
        contents = {
            name: (np.roll(rows, -1, axis=1), own)
            for name, (rows, own) in contents.items()
        }
    others = [name for name, (_, own) in contents.items() if not own]
    _warn(root, others, "name another image in line 1; the file name decides")
    nothing = np.zeros([0, 5]), True
    images = [contents.pop(name, nothing)[0] for name in ground_truth.names]
    _warn(
        root,
        list(contents),
        "belong to no image of the ground truth: only their scores enter the"
        " normalisation",
    )
    unsorted = [
        name
        for name, rows in zip(ground_truth.names, images, strict=True)
        if (np.diff(rows[:, 4]) > 0).any()
    ]
    _warn(root, unsorted, "were not sorted by falling score; sorted now")
    strays = [rows[:, 4] for rows, _ in contents.values()]
    predictions = Predictions.from_arrays(images, np.concatenate([[], *strays]))
    predictions = sort_by_score(predictions)
    if not ours:
        check_convention(predictions, ground_truth)
    return predictions


def _score_first(images):
    """Tell whether the first column is the score, which no x of a whole set can be."""
    rows = np.concatenate([np.zeros([0, 5]), *images])
    first, others = rows[:, 0], rows[:, 1:]
    return (
        len(rows) > 0
        and bool(((first >= 0) & (first <= 1)).all())
        and bool((others.max(axis=0) > 1).all())
    )


def _check_coverage(root, paths, names):
    """Warn of images without a file; refuse a folder that has none of any image."""
    missing = [name for name in names if name not in paths]
    if names and len(missing) == len(names):
        found = f"{next(iter(paths))}.txt" if paths else "no .txt file in any folder"
        raise ValueError(
            f"none of the {len(names)} images has a prediction file in {root}: expected"
            f" {names[0]}.txt and so on, found {found}"
        )
    if missing:
        logging.warning(
            "%d of %d images have no prediction file in %s and count as without"
            " detections; the first is %s",
            len(missing), len(names), root, missing[0],
        )  # fmt: skip


def _warn(root, names, trouble):
    if names:
        logging.warning(
            "%d prediction files in %s %s; the first is %s.txt",
            len(names), root, trouble, names[0],
        )  # fmt: skip


# === One file ===


def _parse(path):
    """Return the rows of a file, float64 [M, 5], and whether line 1 names its image."""
    with open(path, "rb") as file:
        lines = [line.split() for line in file.read().splitlines()]
    filled = [words for words in lines if words]
    if not lines:  # as detectors leave it that found nothing
        return np.zeros([0, 5]), True
    rows = filled[2:]
    whole = filled[1:] and _announced(filled[1]) == len(rows)
    if whole and all(len(row) == 5 for row in rows):
        values = _numbers(itertools.chain.from_iterable(rows))
        if np.isfinite(values).all():
            return values.reshape(-1, 5), _names_image(filled[0], path)
    raise ValueError(f"{path}, {_fault(lines)}")


def _announced(words):
    """Return the number of a line that has nothing else."""
    number = words[0] if len(words) == 1 else b""
    return int(number) if number.isdigit() and len(number) < 10 else None


def _numbers(words):
    """Return float64 values; a single NaN if one of the words is no number."""
    try:
        return np.array(list(map(float, words)), np.float64)
    except ValueError:
        return np.array([np.nan])


def _names_image(words, path):
    title = b" ".join(words).decode("utf-8", "replace").replace("\\", "/")
    name = title.rsplit("/", 1)[-1]
    return path.stem in (name, name.rsplit(".", 1)[0])


def _fault(lines):
    """Tell the first fault of a file."""
    filled = [(n, words) for n, words in enumerate(lines, start=1) if words]
    if len(filled) < 2:
        missing = ("the image name", "the number of boxes")[len(filled)]
        return f"line {len(lines) + 1}: expected {missing}, but the file ends"
    (number, words), *rows = filled[1:]
    announced = _announced(words)
    if announced is None:
        return f"line {number}: expected the number of boxes alone, got {_quote(words)}"
    for n, row in rows:
        if len(row) != 5:
            found = f"{len(row)}: {_quote(row)}"
            return f"line {n}: expected five numbers {_COLUMNS}, got {found}"
        if not np.isfinite(_numbers(row)).all():
            return f"line {n}: expected finite numbers {_COLUMNS}, got {_quote(row)}"
    return (
        f"line {number}: expected the number of boxes that follow, {len(rows)}, got"
        f" {announced}; the file is cut off or was joined with another"
    )


def _quote(words):
    text = b" ".join(words).decode("utf-8", "replace")
    return repr(text if len(text) <= 60 else text[:60] + "...")
