"""When the picture of a study is drawn anew."""

import os

import pytest

from safefakes_tf import report
from safefakes_tf.runs import study
from safefakes_tf.runs.evaluate_predictions import FIGURES


def row(name):
    return report.Row(name, ap={}, training_seconds=1.0, steps=2, demonstration=False)


@pytest.fixture
def rows(tmp_path):
    """Two parts, of which the first finished at second 1 and the other at second 2."""
    rows = [row("original"), row("blur")]
    for second, part in enumerate(rows, start=1):
        path = tmp_path / part.anonymizer / FIGURES
        path.parent.mkdir()
        path.touch()
        os.utime(path, (second, second))
    return rows


@pytest.mark.parametrize(("second", "drawn"), [(1.5, False), (3, True)])
def test_a_picture_older_than_a_part_is_drawn_again(rows, tmp_path, second, drawn):
    picture = tmp_path / "study.png"
    assert not study._is_drawn(picture, rows)
    picture.touch()
    os.utime(picture, (second, second))
    assert study._is_drawn(picture, rows) == drawn
