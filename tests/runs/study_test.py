"""When the picture of a study is drawn anew, and what its bar tells."""

import os

import pytest

from configs import tiny
from safefakes_tf import report
from safefakes_tf.runs import study
from safefakes_tf.runs.evaluate_predictions import FIGURES
from safefakes_tf.training import loop


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


@pytest.mark.parametrize(
    ("written", "step"),
    [('{"step": 25}\n', 25), ('{"step": 25}\n{"step": 50}\n{"st', 50)],
)
def test_the_newest_whole_line_of_metrics_counts(written, step, tmp_path):
    assert study._last_metrics(tmp_path) is None
    (tmp_path / loop.METRICS).write_text(written)
    assert study._last_metrics(tmp_path)["step"] == step


class Result:
    """Of a part that is ready when it is asked for the nth time."""

    def __init__(self, ready_at, error=None):
        self.ready_at, self.error = ready_at, error

    def ready(self):
        self.ready_at -= 1
        return self.ready_at <= 0

    def get(self):
        if self.error:
            raise self.error


def test_a_bar_shows_the_steps_of_all_parts(tmp_path, monkeypatch, capsys):
    config = tiny.get_config()
    jobs = [(config, tmp_path / name, True) for name in ("original", "blur")]

    def train(_seconds):  # what goes on between two looks
        for _, workdir, _ in jobs:
            workdir.mkdir(exist_ok=True)
            (workdir / loop.METRICS).write_text('{"step": 4}\n')

    monkeypatch.setattr(study.time, "sleep", train)
    study._watch([Result(1), Result(3)], jobs)
    bar = capsys.readouterr().err
    assert "0/8" in bar
    assert "8/8" in bar
    assert "tested=1 of 2" in bar
    assert "tested=2 of 2" in bar


def test_the_first_part_that_fails_ends_a_study(tmp_path):
    jobs = [(tiny.get_config(), tmp_path, True)] * 2
    with pytest.raises(ValueError, match="too few faces"):
        study._watch([Result(99), Result(1, ValueError("too few faces"))], jobs)
