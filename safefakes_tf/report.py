"""The table and the picture at the end of a study."""

import pathlib
from typing import NamedTuple

import numpy as np
import scipy.optimize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from safefakes_tf import atomic
from safefakes_tf import boxes as box_ops


class Row(NamedTuple):
    """One detector of a study.

    Attributes:
        anonymizer: what its training photos went through.
        ap: difficulty -> average precision in [0, 1]; "mAP" -> their mean.
        training_seconds: wall time of its training.
        steps: length of its training.
        demonstration: whether the anonymizer's weights are there to be looked at only.
    """

    anonymizer: str
    ap: dict[str, float]
    training_seconds: float
    steps: int
    demonstration: bool = False


class Example(NamedTuple):
    """What one detector saw and what it finds.

    Attributes:
        trained_on: uint8 [H, W, 3], a training photo behind the anonymizer.
        tested_on: uint8 [H, W, 3], a validation photo, unaltered.
        detections: float32 [M, 5], score and yxyx relative, on `tested_on`.
        faces: float32 [N, 4], yxyx relative, annotated on `tested_on`.
    """

    trained_on: np.ndarray
    tested_on: np.ndarray
    detections: np.ndarray
    faces: np.ndarray


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table, APs in percent."""
    names = rows[0].ap.keys()
    lines = [
        f"| trained on | {' | '.join(names)} | steps | training |",
        f"|---|{'---:|' * (len(names) + 2)}",
    ]
    for row in rows:
        values = " | ".join(f"{100 * row.ap[name]:.1f}" for name in names)
        mark = " (demonstration weights)" if row.demonstration else ""
        lines.append(
            f"| {row.anonymizer}{mark} | {values} | {row.steps} | "
            f"{row.training_seconds:.0f} s |"
        )
    return "\n".join(lines)


def draw(rows: list[Row], examples: list[Example], path: pathlib.Path) -> None:
    """Draw training photo, detections and APs of every row, side by side.

    Args:
        rows: metrics, in the order of the columns.
        examples: one per row.
        path: of the PNG file.
    """
    size = 3.2 * len(rows), 8.2  # inches
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(3, len(rows), squeeze=False)
    for (above, middle, below), row, example in zip(
        axes.T, rows, examples, strict=True
    ):
        above.imshow(example.trained_on)
        mark = " (demonstration)" if row.demonstration else ""
        above.set_title(f"{row.anonymizer}{mark}", fontweight="bold")
        middle.imshow(example.tested_on)
        _outline(middle, example)
        _draw_bars(below, row)
        for axis in (above, middle):
            axis.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("trained on")
    axes[1, 0].set_ylabel("detects in an unaltered photo")
    axes[2, 0].set_ylabel("average precision, %")
    with atomic.writing(path) as file:
        figure.savefig(file, dpi=100, format="png")


def _outline(axis, example):
    """Draw confident detections in green, annotated faces in red, and count.

    A detection is right, and its face found, where they overlap by half (IoU), each
    with one partner at most.
    """
    height, width = example.tested_on.shape[:2]
    sure = example.detections[example.detections[:, 0] >= 0.5, 1:]
    for boxes, colour, style in ((example.faces, "red", ":"), (sure, "lime", "-")):
        for top, left, bottom, right in boxes * [height, width, height, width]:
            sides = right - left, bottom - top
            look = {"edgecolor": colour, "linestyle": style, "fill": False}
            axis.add_patch(Rectangle((left, top), *sides, **look))
    right = box_ops.iou(sure, example.faces).numpy() >= 0.5
    found = right[scipy.optimize.linear_sum_assignment(right, maximize=True)].sum()
    axis.set_xlabel(
        f"{found} of {len(example.faces)} faces found, {len(sure) - found} wrong",
        fontsize=9,
    )


def _draw_bars(axis, row):
    values = {name: 100 * ap for name, ap in row.ap.items()}
    mean = values.pop("mAP")
    bars = axis.bar(
        values.keys(), values.values(), color=["#6baed6", "#3182bd", "#08519c"]
    )
    axis.bar_label(bars, fmt="%.0f")
    axis.set_ylim(0, 108)
    axis.set_xlabel(f"mAP {mean:.1f}", fontsize=9)
