r"""Draw figures of generators over the images that their trainings had shown.

    python -m tools.draw_curves --tables=A.csv,B.csv --output=curves.png

Tables are those of `python -m benchmarks.painted_faces`, each with the files that a
training of each method wrote as it went on. These are a line, one panel per figure; the
originals are a dashed line.
"""

import collections
import csv
import math
import pathlib
import sys

from absl import app, flags
from matplotlib.figure import Figure

from safefakes_tf import atomic

_TABLES = flags.DEFINE_list("tables", None, "CSV files.", required=True)
_OUTPUT = flags.DEFINE_string("output", "curves.png", "Picture to write.")
PANELS = {
    "l1": "L1",
    "lpips": "LPIPS",
    "frechet_mobilenet_v2": "Fréchet distance, MobileNetV2",
    "found": "share of faces that MediaPipe finds",
}
SIDE = 3.2  # inches, of a panel


def main(_):
    """Read, draw."""
    lines, original = read(_TABLES.value)
    if not lines:
        sys.exit(
            "draw_curves: no file of --tables tells how many images its training had "
            "shown; those of versions before 0.11.0 do not"
        )
    names = labels(lines)
    figure = Figure(figsize=(SIDE * len(PANELS), SIDE), layout="constrained")
    for axes, (name, label) in zip(
        figure.subplots(1, len(PANELS)), PANELS.items(), strict=True
    ):
        for line, points in lines.items():
            images = sorted(points)
            # Metrics whose networks were not there have no value.
            values = [points[number].get(name, math.nan) for number in images]
            thousands = [number / 1000 for number in images]
            axes.plot(thousands, values, "o-", label=names[line], markersize=3)
        if name in original:
            axes.axhline(original[name], color="grey", linestyle="--")
        axes.set(xlabel="thousand images shown", title=label)
        axes.title.set_fontsize("small")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small")
    with atomic.writing(_OUTPUT.value) as file:
        figure.savefig(file, dpi=110, format="png")
    print(f"picture: {_OUTPUT.value}")


def read(tables):
    """Return (table, method) -> images shown -> figures by name; those of originals."""
    lines, original = collections.defaultdict(dict), {}
    for path in tables:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                values = {name: float(row[name]) for name in PANELS if row.get(name)}
                if not row.get("method"):
                    original = values
                elif row.get("images"):  # files of older versions do not tell
                    lines[path, row["method"]][int(row["images"])] = values
    return lines, original


def labels(lines):
    """Return (table, method) -> the method, with the table if several have it."""
    tables = collections.Counter(method for _, method in lines)
    return {
        (path, method): method + f", {pathlib.Path(path).stem}" * (tables[method] > 1)
        for path, method in lines
    }


if __name__ == "__main__":
    app.run(main)
