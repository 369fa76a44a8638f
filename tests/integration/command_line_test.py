"""From photos to AP through the command line: study, kill and resume, two workers."""

import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import store
from safefakes_tf.runs import build_dataset

ROOT = pathlib.Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
    )


def finish(process):
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def run(*arguments):
    return finish(start(*arguments))


def kill_after(process, folder, steps):
    """Send SIGKILL to a training once a checkpoint of such a step is there."""
    while not list(folder.glob(f"checkpoints/ckpt-{steps}.index")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def weights(workdir):
    """Return every array of a run's weights, by its path in the file."""
    arrays = {}
    with h5py.File(workdir / "detector.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: np.array(item)})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return arrays


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def train_arguments(data_dir):
    return [
        "--mode=train_detector",
        "--config=tiny",
        "--anonymizer=pixelate",
        "--set=optimizer.kind=sgd",  # Adam would blow up differences of rounding
        "--set=optimizer.learning_rate=1e-5",
        "--set=optimizer.ema=0.5",  # close to the last weights
        f"--data_dir={data_dir}",
    ]


@pytest.fixture(scope="module")
def whole(train_arguments, tmp_path_factory):
    """Return the work folder of a run of 12 steps that nothing disturbed."""
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    run(*train_arguments, "--set=loop.total_steps=12", f"--workdir={workdir}")
    return workdir


@pytest.fixture(scope="module")
def uninterrupted(whole):
    return weights(whole)


def test_a_study_ends_with_table_and_picture_and_is_not_done_twice(data_dir, tmp_path):
    arguments = [
        "--mode=study",
        "--config=tiny",
        "--set=study_anonymizers=original,ciagan",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path}",
    ]
    output = run(*arguments)
    assert "| ciagan (demonstration weights) |" in output
    assert (tmp_path / "study.md").read_text().count("\n") == 4
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((tmp_path / "ciagan" / "evaluation.json").read_text())
    assert {"easy", "medium", "hard", "mAP"} <= figures.keys()
    finished = [tmp_path / "original" / "detector.weights.h5", tmp_path / "study.png"]
    before = [path.stat().st_mtime_ns for path in finished]
    output = run(*arguments, "--set=similarity.metrics=l1,ssim")  # asked for later
    assert [path.stat().st_mtime_ns for path in finished] == before
    assert "| mAP | l1 | ssim | steps |" in output
    tables = f"--set=tables={tmp_path / 'study.csv'}"
    output = run("--mode=correlate", tables, f"--workdir={tmp_path / 'correlation'}")
    assert "| l1 | all and original |" in output


def test_a_training_leaves_the_ema(whole):
    """And not the weights of the last step."""
    newest = tf.train.latest_checkpoint(str(whole / "checkpoints"))
    stored = tf.train.load_checkpoint(newest)
    averages = {
        stored.get_tensor(name).tobytes()
        for name in stored.get_variable_to_shape_map()
        if name.startswith("ema/")
    }
    kept = weights(whole)
    assert len(kept) > 50
    for name, value in kept.items():
        assert value.tobytes() in averages, name


def test_two_processes_write_the_same_records(whole, data_dir, tmp_path):
    settings = store.read(whole / "config.json", "build_dataset")
    data = dataclasses.replace(settings.data, data_dir=str(tmp_path))
    build_dataset.run(dataclasses.replace(settings, data=data), tmp_path)
    files = sorted(tmp_path.rglob("*.tfrecord*"))
    assert len(files) == 4  # source and pixelated, two splits
    for file in files:
        twin = data_dir / file.relative_to(tmp_path)
        assert file.read_bytes() == twin.read_bytes()


def test_training_killed_midway_ends_as_if_nothing_had_happened(
    train_arguments, uninterrupted, tmp_path
):
    arguments = [*train_arguments, "--set=loop.total_steps=12", f"--workdir={tmp_path}"]
    kill_after(start(*arguments), tmp_path, "[4-8]")
    assert not (tmp_path / "detector.weights.h5").exists()
    assert "resuming at step" in run(*arguments)
    resumed = weights(tmp_path)
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        np.testing.assert_array_equal(value, resumed[name], err_msg=name)


def test_a_generator_killed_midway_ends_as_if_nothing_had_happened(data_dir, tmp_path):
    arguments = [
        "--mode=train_anonymizer",
        "--anonymizer=sun2018",
        "--config=tiny",
        "--set=sun2018.width=4",
        "--set=sun2018.resolution=32",
        "--set=gan.total_images=16",
        "--set=loop.global_batch_size=2",
        "--set=loop.checkpoint_every=1",
        f"--data_dir={data_dir}",
    ]
    run(*arguments, f"--workdir={tmp_path}/whole")
    parts = [*arguments, f"--workdir={tmp_path}/parts"]
    kill_after(start(*parts), tmp_path / "parts" / "32px", "[2-5]")
    assert not (tmp_path / "parts" / "generator.npz").exists()
    assert "resuming at step" in run(*parts)
    whole, resumed = (
        (tmp_path / name / "generator.npz").read_bytes() for name in ("whole", "parts")
    )
    assert whole == resumed


def test_two_workers_end_with_the_weights_of_one(
    train_arguments, uninterrupted, tmp_path
):
    with socket.socket() as first, socket.socket() as second:
        first.bind(("localhost", 0))
        second.bind(("localhost", 0))
        hosts = [f"localhost:{s.getsockname()[1]}" for s in (first, second)]
    processes = [
        start(
            *train_arguments,
            "--set=loop.total_steps=12",
            "--set=devices=multi_worker",
            f"--workdir={tmp_path}",
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": hosts},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(2)
    ]
    digests = [
        line
        for process in processes
        for line in finish(process).splitlines()
        if line.startswith("weights' SHA-256")
    ]
    assert len(digests) == 2
    assert digests[0] == digests[1]
    together = weights(tmp_path)
    for name, value in uninterrupted.items():
        np.testing.assert_allclose(
            value, together[name], rtol=1e-3, atol=1e-4, err_msg=name
        )


def test_another_configuration_does_not_enter_a_used_work_folder(
    train_arguments, tmp_path
):
    (tmp_path / "config.json").write_text('{"seed": 5}')
    (tmp_path / "metrics.jsonl").touch()  # something was done
    process = start(*train_arguments, f"--workdir={tmp_path}")
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "seed: 5 -> 0" in output
