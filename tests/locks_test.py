"""One process at a time in a folder, and what the second is told."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from safefakes_tf import locks

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOLD = """
import pathlib, sys, time
from safefakes_tf import locks
with locks.alone_in(pathlib.Path(sys.argv[1])):
    print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process, which holds the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path), b"a name\n\xff"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_the_second_process_is_told_of_the_first(other, tmp_path):
    with (
        pytest.raises(ValueError, match=r"^[^\n]*; wait for its end, or go$") as caught,
        locks.alone_in(tmp_path, "go"),
    ):
        pass
    told = str(caught.value)
    command = rf"-c {tmp_path} 'a name\n\udcff'"
    assert told.startswith(f"process {other.pid} ({command}) works in ")


def test_nobody_waits_for_a_dead_process(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    other.wait()
    with locks.alone_in(tmp_path):
        assert str(os.getpid()) in (tmp_path / locks.HOLDER).read_text()
    assert not (tmp_path / locks.HOLDER).exists()


def test_who_waits_says_for_whom(other, tmp_path, capsys):
    threading.Timer(0.2, other.kill).start()
    with locks.alone_in(tmp_path, wait=True):
        assert other.wait() == -signal.SIGKILL
    said = capsys.readouterr().err
    assert said.startswith(f"process {other.pid} (")
    assert said.endswith(f" works in {tmp_path}; waiting for its end\n")


def test_a_holder_that_has_not_signed_is_another_process(other, tmp_path):
    (tmp_path / locks.HOLDER).unlink()
    with (
        pytest.raises(ValueError, match=r"^another process works in "),
        locks.alone_in(tmp_path, "go"),
    ):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("precious")
    for name in locks.FILES:
        (tmp_path / "folder" / name).symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="symbolic link"):
        locks.alone_in(tmp_path / "folder").__enter__()
    (tmp_path / "folder" / locks.LOCK).unlink()
    with locks.alone_in(tmp_path / "folder"):
        pass
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_may_vanish_while_it_is_held(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with locks.alone_in(folder):
        folder.rename(tmp_path / "gone")
