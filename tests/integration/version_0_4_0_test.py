"""The commands of version 0.4.0 go on in its folders; see also resume_0_4_0_test.py."""

import pathlib
import shutil

import h5py
import numpy as np
import pytest
import tensorflow_datasets as tfds

import main

ROOT = pathlib.Path(__file__).resolve().parents[2]
OLD = ROOT / "tests" / "fixtures" / "v0_4_0"
CROWD = (  # as in make.sh there
    "--config=tiny",
    "--set=data.crowd.num_train=4",
    "--set=data.crowd.num_validation=2",
    "--set=data.crowd.width=128",
    "--set=data.crowd.height=96",
    "--set=data.crowd.min_face=16",
    "--set=data.crowd.max_face=48",
    "--set=data.crowd.max_people=3",
)
# Another processor rounds otherwise, and Adam was Keras' own then.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("steps_untraced")]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """A function: runs a command on copies of the old folders; returns what it said."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    # TFDS has read its environment variable TFDS_DATA_DIR when it was imported.
    derived = str(tmp_path / "old" / "derived")
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", derived)

    def run(*arguments):
        main.main(list(arguments))
        return capsys.readouterr().out

    return run


def test_a_training_goes_on_and_ends_as_it_did(command, tmp_path):
    said = command(
        "--mode=train_detector",
        "--anonymizer=blur",
        *CROWD,
        "--set=model.width_multiplier=0.015625",
        "--set=loop.global_batch_size=8",
        "--set=optimizer.learning_rate=0.001",
        "--set=optimizer.warmup_steps=0",
        "--workdir=interrupted",
    )
    assert "blur-3bfa8752" in said  # the photos that were there
    assert "resuming at step 2" in said
    expected = np.load(OLD / "interrupted" / "resumed_weights.npz")
    with h5py.File(tmp_path / "old" / "interrupted" / "detector.weights.h5") as file:
        for name in expected:
            np.testing.assert_allclose(
                file[name], expected[name], **ROUNDING, err_msg=name
            )


def test_a_detector_is_evaluated_and_exported(command, tmp_path):
    said = command("--mode=evaluate", "--workdir=detector")
    assert "source-383203fa" in said
    assert (tmp_path / "old" / "detector" / "evaluation.json").exists()
    command("--mode=export", "--workdir=detector")
    exported = tmp_path / "old" / "detector" / "export"
    assert {path.name for path in exported.iterdir()} == {"blur", "detector"}
