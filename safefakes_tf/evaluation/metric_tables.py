"""Tables of metrics: rows of a text and numbers, as CSV files and Markdown."""

import csv
import io
import math
import os
import pathlib
from collections.abc import Sequence

from safefakes_tf import atomic

Row = dict[str, str | float]
ANONYMIZER, MEAN_AP = "anonymizer", "mAP"


def columns(rows: Sequence[Row]) -> list[str]:
    """Return the names in all rows, in the order in which they come up."""
    return list(dict.fromkeys(name for row in rows for name in row))


def cell(row: Row, name: str) -> str:
    """Return a value of a row as text; a dash where there is none."""
    value = row.get(name, math.nan)
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if math.isfinite(value) else "–"


def markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table, numbers with four digits."""
    names = columns(rows)
    lines = [names, ["---", *["---:"] * (len(names) - 1)]]
    lines += [[cell(row, name) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(path: pathlib.Path, rows: Sequence[Row]) -> None:
    """Write rows as a CSV file; numbers keep all digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(rows), restval="")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())


def read(path: str | os.PathLike) -> list[Row]:
    """Read what `write` wrote.

    Returns:
        Rows with the anonymizer as text and all else as numbers; NaN where a cell is
        empty.

    Raises:
        ValueError: if the file cannot be read, lacks the columns `anonymizer` and
            `mAP`, or a cell is no number.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path} cannot be read as a table: {reason}") from error
    missing = {ANONYMIZER, MEAN_AP} - set(names)
    if missing:
        raise ValueError(
            f"{path} must have the columns {ANONYMIZER} and {MEAN_AP}, as study.csv "
            f"of --mode=study; got {', '.join(names) or 'none'}"
        )
    return [_parse(path, number, line) for number, line in enumerate(lines, start=2)]


def _parse(path, number, line):
    row = {ANONYMIZER: line[ANONYMIZER]}
    for name, text in line.items():
        if name == ANONYMIZER:
            continue
        try:
            row[name] = math.nan if text == "" else float(text)
        except (TypeError, ValueError):
            raise ValueError(
                f"{path}, line {number}: {name} must be a number; got {text!r}"
            ) from None
    return row
