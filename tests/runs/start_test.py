"""Which runs have a folder to themselves."""

import json
import os
import types

import pytest

from safefakes_tf import own_inputs, runs
from safefakes_tf.config import MODES, command_line

WITH_WORKDIR = [mode for mode in MODES if mode not in command_line.WITHOUT_WORKDIR]


@pytest.fixture
def start(monkeypatch, tmp_path):
    """A function: starts a run that does as it is told; all runs share a folder."""

    def start(mode, body=lambda: None):
        run = types.SimpleNamespace(run=lambda settings, workdir: body())
        monkeypatch.setattr(runs.importlib, "import_module", lambda name: run)
        monkeypatch.setattr(own_inputs, "checked", lambda settings: None)
        settings = MODES.get(mode, MODES["anonymize"]).settings()  # of a dry run
        return runs.start(mode, settings, tmp_path / "work")

    return start


@pytest.mark.parametrize("mode", WITH_WORKDIR)
def test_a_second_run_in_a_work_folder_is_told_of_the_first(start, mode):
    with pytest.raises(
        ValueError, match=rf"^process {os.getpid()} \([^\n]* works in [^\n]*--workdir$"
    ):
        start(mode, lambda: start("evaluate"))
    start(mode)


def test_runs_without_a_work_folder_make_none(start, tmp_path):
    for mode in command_line.WITHOUT_WORKDIR:
        start(mode)
    assert not list(tmp_path.iterdir())


def test_who_stops_photos_of_ones_own_is_told_what_is_done(start):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="starts anew"):
        start("draw_found_faces", stop)


@pytest.mark.parametrize("kind", ["worker", "chief"])
def test_only_the_chief_of_a_cluster_keeps_others_out(start, monkeypatch, kind):
    def be(kind, index):
        cluster = {"chief": ["a:1"]} if kind == "chief" else {}
        cluster["worker"] = ["b:1", "c:1"]
        task = {"type": kind, "index": index}
        config = json.dumps({"cluster": cluster, "task": task})
        monkeypatch.setenv("TF_CONFIG", config)

    def join():
        be("worker", 1)
        start("train_detector")

    be(kind, 0)
    start("train_detector", join)
    be(kind, 0)
    with pytest.raises(ValueError, match=" works in "):
        start("train_detector", lambda: start("train_detector"))


def test_a_file_in_place_of_the_work_folder_is_one_line(start, tmp_path):
    (tmp_path / "work").touch()
    with pytest.raises(ValueError, match=r"^--workdir must name a folder; [^\n]*$"):
        start("preview")
