"""When the picture of a study is drawn anew, and what its bar tells."""

import errno
import os
import pathlib
import queue
import subprocess
import sys
import threading
import types

import fake_keypoints
import pytest

from configs import tiny
from safefakes_tf import report
from safefakes_tf import workdir as files
from safefakes_tf.config import DataConfig, Study, names
from safefakes_tf.runs import study
from tfds_builders import registry as builders
from tfds_builders.builder import AnonymizedBuilder


def row(name):
    return report.Row(name, ap={}, training_seconds=1.0, steps=2, demonstration=False)


@pytest.fixture
def rows(tmp_path):
    """Two parts, of which the first finished at second 1 and the other at second 2."""
    rows = [row("original"), row("blur")]
    for second, part in enumerate(rows, start=1):
        path = tmp_path / part.anonymizer / files.EVALUATION
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
    (tmp_path / files.METRICS).write_text(written)
    assert study._last_metrics(tmp_path)["step"] == step


class Process:
    """One that ends, or is killed, after it was looked at so many times."""

    pid = None

    def __init__(self, looks, ending=0):
        self.looks, self.ending = looks, ending

    def start(self):
        self.pid = 1

    @property
    def exitcode(self):
        self.looks -= self.pid is not None
        return self.ending if self.looks < 0 else None


def test_a_bar_shows_the_steps_of_all_parts(tmp_path, monkeypatch, capsys):
    config = tiny.get_config()
    jobs = [(config, tmp_path / name, True) for name in ("original", "blur")]

    def train(_seconds):  # what goes on between two looks
        for _, workdir, _ in jobs:
            workdir.mkdir(exist_ok=True)
            (workdir / files.METRICS).write_text('{"step": 4}\n')

    monkeypatch.setattr(study.time, "sleep", train)
    assert study._watch([Process(1), Process(20)], jobs, at_once=2) is None
    bar = capsys.readouterr().err
    for shown in ("0/8", "8/8", "tested=1 of 2", "tested=2 of 2"):
        assert shown in bar


def test_a_part_whose_process_is_killed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(study.time, "sleep", lambda _seconds: None)
    processes = [Process(99), Process(3, ending=-9)]
    jobs = [(tiny.get_config(), tmp_path, True)] * 2
    assert study._watch(processes, jobs, at_once=2) == 1


def test_parts_may_have_to_wait_for_each_other(tmp_path, monkeypatch):
    processes = [Process(9), Process(9)]
    together = []

    def look(_seconds):
        together.append(sum(p.pid is not None and p.looks >= 0 for p in processes))

    monkeypatch.setattr(study.time, "sleep", look)
    jobs = [(tiny.get_config(), tmp_path, True)] * 2
    assert study._watch(processes, jobs, at_once=1) is None
    assert max(together) == 1
    assert all(process.pid for process in processes)


@pytest.mark.slow
@pytest.mark.usefixtures("graphs_as_traced")
def test_the_picture_shows_faces_of_a_data_set_without_annotated_keypoints(
    monkeypatch, tmp_path, anonymization
):
    contract = pathlib.Path(__file__).resolve().parents[1] / "contract"
    monkeypatch.syspath_prepend(contract)  # where that data set lies
    row_of_toy = names.Dataset("toy_dataset", "grey photos")
    monkeypatch.setitem(names.DATASETS, "toy_photos", row_of_toy)
    detector = fake_keypoints.FakeDetector
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", detector)
    data = DataConfig(
        dataset="toy_photos",
        anonymizer="ciagan",
        anonymization=anonymization("ciagan"),
        data_dir=str(tmp_path),
    )
    source = builders.create_source_builder(data)
    source.prepare()
    photo = study._trained_on(source, Study(data=data))
    # Were its one face blacked out, 13 % of the photo would be black.
    assert (photo == 0).all(axis=2).mean() < 0.02


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"[" * 10**5, b'{"arithmetic": 1, "mAP": "x"}']
)
def test_a_broken_evaluation_is_one_line(tmp_path, content):
    part = tiny.get_config()
    (tmp_path / files.EVALUATION).write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]*evaluation.json is broken [^\n]*$"):
        study._row(study.adapt(part, "study"), tmp_path)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(errno.ENOSPC, "x"), 2, "No space left on device; free some"),
        (ValueError("shapes do not match"), None, None),
    ],
)
def test_a_part_tells_the_users_mistakes_and_no_others(
    tmp_path, monkeypatch, error, code, told
):
    def start(*_):
        raise error

    monkeypatch.setattr(study.runs, "start", start)
    monkeypatch.setattr(study, "_end_with_parent", lambda: None)
    heard = queue.SimpleQueue()
    with pytest.raises((SystemExit, ValueError)) as caught:
        study._run_part(tiny.get_config(), tmp_path, False, heard)
    assert getattr(caught.value, "code", None) == code
    assert "Traceback" in (tmp_path / files.LOG).read_text()
    assert heard.empty() == (told is None)
    assert told is None or heard.get().startswith(told)


def test_a_part_ends_with_its_study(monkeypatch):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(
        study.multiprocessing,
        "parent_process",
        lambda: types.SimpleNamespace(join=parent.wait),
    )
    ended = queue.SimpleQueue()
    monkeypatch.setattr(study.os, "_exit", ended.put)
    waiting = threading.Thread(target=study._end_with_parent)
    waiting.start()
    assert ended.empty()
    parent.kill()
    waiting.join()
    assert ended.get() == 1
