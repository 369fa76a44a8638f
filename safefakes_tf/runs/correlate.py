"""--mode=correlate: which image metric goes with the mAP of the detectors."""

import dataclasses
import json
import math
import pathlib

from safefakes_tf import atomic
from safefakes_tf import workdir as files
from safefakes_tf.config import Correlate, names, values
from safefakes_tf.config.similarity import METRIC_VALUES
from safefakes_tf.evaluation import metric_tables, scatter
from safefakes_tf.evaluation.correlation import (
    GROUPS,
    STUDY_TABLE_II,
    Correlation,
    correlate,
)
from safefakes_tf.evaluation.metric_tables import ANONYMIZER, MEAN_AP

VALUES = [value for values in METRIC_VALUES.values() for value in values]


def run(
    settings: Correlate, workdir: pathlib.Path
) -> dict[str, dict[str, Correlation]]:
    """Correlate every metric of studies' tables with mAP.

    Args:
        settings: name the tables; a row is one anonymizer in one study.
        workdir: gets `correlation.json`, `correlation.md`, and `correlation.png` with a
            scatter plot per metric.

    Returns:
        Metric -> group of anonymizers -> correlation.

    Raises:
        ValueError: if no table is named, or one is not there, malformed, or holds no
            metric.
    """
    rows = _read(settings.tables)
    metrics = [name for name in metric_tables.columns(rows) if name in VALUES]
    if not metrics:
        raise ValueError(
            f"the tables must have a column of one of {', '.join(VALUES)}; got "
            f"{', '.join(metric_tables.columns(rows))}: compute some with "
            "--mode=study --set=similarity.metrics=l1,ssim,lpips"
        )
    results = {
        metric: {
            group: _of_group(rows, metric, members) for group, members in GROUPS.items()
        }
        for metric in metrics
    }
    text, path = _as_text(results), workdir / files.CORRELATION
    workdir.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path.with_suffix(".md"), text)
    atomic.write_text(
        path.with_suffix(".json"), json.dumps(_as_json(results), indent=2)
    )
    scatter.draw(rows, results, path.with_suffix(".png"))
    print(text)
    print(f"table:   {path}.md, {path}.json")
    print(f"picture: {path}.png")
    return results


def _read(tables):
    """Return the rows of all tables."""
    if not tables:
        raise ValueError(
            "tables must name study.csv files of --mode=study; got none: name them "
            "with --set=tables=FILE,FILE"
        )
    rows = [row for path in tables for row in metric_tables.read(path)]
    for row in rows:
        values.check_choice("anonymizer", row[ANONYMIZER], names.anonymizers())
    return rows


def _of_group(rows, metric, members):
    chosen = [row for row in rows if row[ANONYMIZER] in members]
    return correlate(
        [row.get(metric, math.nan) for row in chosen],
        [row[MEAN_AP] for row in chosen],
    )


def _as_json(results):
    """Return results as plain values, None in place of NaN."""
    return {
        metric: {
            group: {
                key: None if value != value else value
                for key, value in dataclasses.asdict(correlation).items()
            }
            for group, correlation in groups.items()
        }
        for metric, groups in results.items()
    }


def _as_text(results):
    """Return results, and those of the study beside them, as Markdown."""
    lines = [
        "Pearson's r of each metric with mAP, one point per trained detector:",
        "",
        "| metric | group | r | n | p | 95 % interval | what that says |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for metric, groups in results.items():
        for group, c in groups.items():
            interval = f"{c.low:.2f} to {c.high:.2f}"
            figures = f"{c.r:.3f} | {c.n} | {c.p:.2g} | {interval} | {c.verdict}"
            lines.append(f"| {metric} | {group} | {figures} |")
    lines += [
        "",
        "Not measured here: r in Table II of the study, on WIDER FACE, without n or p:",
        "",
        f"| metric | {' | '.join(tuple(GROUPS)[:3])} |",
        "|---|---:|---:|---:|",
    ]
    for metric, row in STUDY_TABLE_II.items():
        lines.append(f"| {metric} | {' | '.join(f'{r:.3f}' for r in row)} |")
    return "\n".join(lines) + "\n"
