"""Bad photos, annotations, folders and settings: one line from the command line."""

import pathlib
import re
import shutil
import sys

import made_up_widerface
import pytest
import tensorflow_datasets as tfds

import main
from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

SPLIT = "wider_face_split"
VALIDATION = f"{SPLIT}/wider_face_val_bbx_gt.txt"


@pytest.fixture
def raw(tmp_path):
    """A made-up copy of WIDER FACE, with nothing wrong yet."""
    return made_up_widerface.write_copy(tmp_path / "raw")


@pytest.fixture
def command(tmp_path, raw, capsys):
    """A function: runs a command on `raw`, and returns its exit code and stderr."""

    def run(**named):
        arguments = {
            "mode": "build_dataset",
            "dataset": "widerface",
            "anonymizer": "original",
            "data_dir": tmp_path / "data",
            "manual_dir": raw,
            "workdir": tmp_path / "work",
            **named,
        }
        with pytest.raises(SystemExit) as stop:
            main.run([f"--{name}={value}" for name, value in arguments.items()])
        return stop.value.code, capsys.readouterr().err

    tfds.disable_progress_bar()  # which is on stderr, too
    yield run
    tfds.enable_progress_bar()


def _append_again(path):
    path.write_text(path.read_text() + path.read_text())


def _cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def _remove_part(raw, part):
    shutil.rmtree(raw / f"WIDER_{part}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, "there is no folder"),
        (lambda raw: (raw / SPLIT / "wider_easy_val.mat").unlink(), "wider_easy_val"),
        (lambda raw: _cut(raw / SPLIT / "wider_hard_val.mat"), "wider_hard_val.mat is"),
        (lambda raw: _cut(raw / made_up_widerface.FIRST), "0_1.jpg does not decode"),
        (lambda raw: _cut(raw / VALIDATION), "val_bbx_gt.txt, line "),
        (lambda raw: _append_again(raw / VALIDATION), "each photo once, and it is in"),
        (lambda raw: _remove_part(raw, "val"), "2 of 6 photos of WIDER FACE are"),
    ],
)
def test_bad_raw_data_are_one_line(raw, command, damage, words):
    damage(raw)
    _check(command(), words)


def test_a_partial_copy_without_photos_to_train_on_is_one_line(raw, command):
    _remove_part(raw, "train")
    partial = {"mode": "train_detector", "set": "data.allow_partial=true"}
    _check(command(**partial), "no photos of split train here; it has validation, test")


def test_another_copy_than_the_stored_is_one_line(raw, command, tmp_path):
    data_dir, manual_dir = str(tmp_path / "data"), str(raw)
    data = DataConfig("widerface", data_dir=data_dir, manual_dir=manual_dir)
    builders.create_source_builder(data).prepare()
    (raw / made_up_widerface.FIRST).unlink()
    _check(command(), "was built from other photos or annotations than those in")


def test_a_file_for_prepared_data_sets_is_one_line(command, tmp_path):
    (tmp_path / "data").touch()
    _check(command(), f"{tmp_path / 'data'} is a file")


@pytest.mark.parametrize("mode", ["train_detector", "evaluate"])
def test_a_broken_config_file_is_one_line(command, tmp_path, mode):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "config.json").write_text('{"seed": ')
    (tmp_path / "work" / "metrics.jsonl").touch()
    _check(command(mode=mode), "config.json is broken (")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("seed=-1", "seed must be from 0"),
        ("data.crowd.seed=-1", "data.crowd.seed must be from 0"),
        ("data.crowd.num_train=0", "data.crowd.num_train must be at least 1; got 0"),
        ("data.crowd.max_face=2", "data.crowd.max_face must be at least 8; got 2"),
        ("data.crowd.height=4", "data.crowd.height must be at least 32; got 4"),
    ],
)
def test_a_bad_setting_is_one_line(command, setting, words):
    _check(command(dataset="synthetic_crowd", set=setting), words)


def _check(result, words):
    code, errors = result
    errors = re.sub(r"\r[^\n]*\n", "", errors)  # progress bars
    assert code == 2
    assert words in errors
    assert errors.startswith(f"{pathlib.Path(sys.argv[0]).name}: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors
