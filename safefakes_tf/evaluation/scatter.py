"""Scatter plots: mAP over each image metric, one point per run."""

import math
import pathlib
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from safefakes_tf import atomic
from safefakes_tf.evaluation.correlation import GAN, GROUPS, Correlation
from safefakes_tf.evaluation.metric_tables import ANONYMIZER, MEAN_AP, Row

COLUMNS, SIDE = 3, 4.0  # panels in a line; inches


def draw(
    rows: Sequence[Row],
    results: Mapping[str, Mapping[str, Correlation]],
    path: pathlib.Path,
) -> None:
    """Draw one panel per metric, with its correlations in the title.

    Args:
        rows: one point each, with the columns `anonymizer`, `mAP` and the metrics.
        results: metric -> group -> correlation.
        path: of the PNG file.
    """
    lines = math.ceil(len(results) / COLUMNS)
    columns = min(COLUMNS, len(results))
    figure = Figure(figsize=(SIDE * columns, SIDE * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes, (metric, groups) in zip(panels, results.items(), strict=False):
        for row in rows:
            point = row.get(metric, math.nan), 100 * row[MEAN_AP]
            colour = "tab:red" if row[ANONYMIZER] in GAN else "tab:blue"
            axes.plot(*point, "o", color=colour)
            axes.annotate(row[ANONYMIZER], point, fontsize="x-small")
        r = ", ".join(f"{name} {groups[name].r:.2f}" for name in tuple(GROUPS)[:3])
        axes.set_title(f"r: {r}", fontsize="small")
        axes.set(xlabel=metric, ylabel="mAP, %")
        axes.grid(alpha=0.3)
    for axes in panels:  # those that are left
        axes.set_axis_off()
    with atomic.writing(path) as file:
        figure.savefig(file, dpi=120, format="png")
