"""`metrics.jsonl`: a line per logged step, of which a kill may leave half."""

import contextlib
import json
import math
import pathlib
from typing import Any


def read(path: pathlib.Path) -> list[dict[str, Any]]:
    """Return the lines that are whole, with their `step` and `seconds`; none: no file.

    Others are left out: nothing but the picture of a training depends on them.
    """
    lines = path.read_bytes().splitlines() if path.exists() else ()
    return [record for line in lines if (record := _whole(line)) is not None]


def _whole(line):
    with contextlib.suppress(ValueError, RecursionError):
        record = json.loads(line)
        if isinstance(record, dict) and type(record.get("step")) is int:
            seconds = record.setdefault("seconds", 0.0)
            if type(seconds) in (int, float) and math.isfinite(seconds):
                return record
    return None
