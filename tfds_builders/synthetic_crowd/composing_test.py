"""Tests of scenes that several processes compose."""

import itertools
import os
import signal

import numpy as np
import pytest

from safefakes_tf.config import CrowdConfig
from tfds_builders.synthetic_crowd import composing

CONFIG = CrowdConfig(width=160, height=120, max_people=3, seed=7)
COUNT = 7


@pytest.fixture
def started(monkeypatch):
    """Return a list that grows by each process that is started."""
    seen, popen = [], composing.subprocess.Popen

    def note(*arguments, **options):
        seen.append(popen(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(composing.subprocess, "Popen", note)
    return seen


def test_scenes_do_not_depend_on_the_number_of_processes(started):
    alone = list(composing.compose_all(CONFIG, "train", COUNT, 1))
    assert not started
    together = list(composing.compose_all(CONFIG, "train", COUNT, 3))
    assert len(alone) == len(together) == COUNT
    for one, other in zip(alone, together, strict=True):
        assert one.jpeg == other.jpeg
        for before, after in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(before, after)
    assert len(started) == 3
    assert all(process.returncode is not None for process in started)


def test_whoever_stops_reading_stops_the_processes(started):
    scenes = composing.compose_all(CONFIG, "train", 10**6, 2)
    assert len(list(itertools.islice(scenes, 3))) == 3
    scenes.close()
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_the_death_of_a_process_is_one_line(started):
    scenes = composing.compose_all(CONFIG, "train", 10**6, 2)
    next(scenes)
    os.kill(started[1].pid, signal.SIGKILL)
    with pytest.raises(ValueError, match=r"^a process that composes [^\n]*again$"):
        list(scenes)


def test_few_scenes_need_no_process_of_their_own(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    counts = [composing.num_processes(scenes) for scenes in (0, 31, 32, 10**6)]
    assert counts == [1, 1, 2, 4]
