"""From photos to AP through the command line: study, kill and resume, two workers."""

import dataclasses
import itertools
import json
import multiprocessing
import os
import socket
import sys
import time

import h5py
import numpy as np
import pytest
import shallow_networks
import tensorflow as tf

import main
from safefakes_tf.config import store
from safefakes_tf.runs import build_dataset, study

pytestmark = pytest.mark.slow


# As the parts of a study: forked from a process that has imported what takes long.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(study.PRELOADED)


class Command:
    """main.py in a process of its own, which writes what it says to a file."""

    def __init__(self, log, *arguments, **environment):
        self._log = log
        self._process = SERVER.Process(target=_main, args=(log, arguments, environment))
        self._process.start()

    def wait(self):
        """Return the exit code and what was said."""
        self._process.join()
        return self._process.exitcode, self._log.read_text()

    def finish(self):
        code, said = self.wait()
        assert code == 0, said
        return said

    def kill_after(self, folder, steps):
        """Send SIGKILL to a training once a checkpoint of such a step is there."""
        while not list(folder.glob(f"checkpoints/ckpt-{steps}.index")):
            assert self._process.is_alive(), self._log.read_text()
            time.sleep(0.02)
        self._process.kill()
        self.wait()


def _main(log, arguments, environment):
    os.environ.update(environment)
    sys.argv = ["main.py", *arguments]
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    _trace_little(shallow_networks.DETECTOR + shallow_networks.GENERATORS)
    main.start()


def _part_of_study(*arguments):
    _trace_little(shallow_networks.DETECTOR)  # demonstration weights need the rest
    study._run_part(*arguments)


def _trace_little(parts):
    """Make networks shallow, and leave graphs as they were traced."""
    for part in parts:
        setattr(*part)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture
def start(tmp_path_factory):
    """Return a function: arguments, environment -> a `Command` that has started."""
    logs, numbers = tmp_path_factory.mktemp("logs"), itertools.count()
    return lambda *arguments, **environment: Command(
        logs / f"{next(numbers)}.txt", *arguments, **environment
    )


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
    runs = tmp_path_factory.mktemp("runs")
    workdir = runs / "whole"
    arguments = [*train_arguments, "--set=loop.total_steps=12", f"--workdir={workdir}"]
    Command(runs / "log.txt", *arguments).finish()
    return workdir


@pytest.fixture(scope="module")
def uninterrupted(whole):
    return weights(whole)


def test_a_study_ends_with_table_and_picture_and_is_not_done_twice(
    data_dir, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(study, "_run_part", _part_of_study)
    for part in shallow_networks.DETECTOR:
        monkeypatch.setattr(*part)
    arguments = [
        "--mode=study",
        "--config=tiny",
        "--set=study_anonymizers=original,sun2018",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path}",
    ]
    main.main(arguments)
    assert "| sun2018 (demonstration weights) |" in capsys.readouterr().out
    assert (tmp_path / "study.md").read_text().count("\n") == 4
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((tmp_path / "sun2018" / "evaluation.json").read_text())
    assert {"easy", "medium", "hard", "mAP"} <= figures.keys()
    finished = [tmp_path / "original" / "detector.weights.h5", tmp_path / "study.png"]
    before = [path.stat().st_mtime_ns for path in finished]
    main.main([*arguments, "--set=similarity.metrics=l1,ssim"])  # asked for later
    assert [path.stat().st_mtime_ns for path in finished] == before
    assert "| mAP | l1 | ssim | steps |" in capsys.readouterr().out
    tables = f"--set=tables={tmp_path / 'study.csv'}"
    main.main(["--mode=correlate", tables, f"--workdir={tmp_path / 'correlation'}"])
    assert "| l1 | all and original |" in capsys.readouterr().out


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
    start, train_arguments, uninterrupted, tmp_path
):
    arguments = [*train_arguments, "--set=loop.total_steps=12", f"--workdir={tmp_path}"]
    start(*arguments).kill_after(tmp_path, "[4-8]")
    assert not (tmp_path / "detector.weights.h5").exists()
    assert "resuming at step" in start(*arguments).finish()
    resumed = weights(tmp_path)
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        np.testing.assert_array_equal(value, resumed[name], err_msg=name)


def test_a_generator_killed_midway_ends_as_if_nothing_had_happened(
    start, data_dir, tmp_path
):
    arguments = [
        "--mode=train_anonymizer",
        "--anonymizer=sun2018",
        "--config=tiny",
        "--set=sun2018.width=4",
        "--set=sun2018.resolution=16",
        "--set=gan.total_images=16",
        "--set=loop.global_batch_size=2",
        "--set=loop.checkpoint_every=1",
        f"--data_dir={data_dir}",
    ]
    start(*arguments, f"--workdir={tmp_path}/whole").finish()
    parts = [*arguments, f"--workdir={tmp_path}/parts"]
    start(*parts).kill_after(tmp_path / "parts" / "16px", "[2-5]")
    assert not (tmp_path / "parts" / "generator.npz").exists()
    assert "resuming at step" in start(*parts).finish()
    whole, resumed = (
        (tmp_path / name / "generator.npz").read_bytes() for name in ("whole", "parts")
    )
    assert whole == resumed


def test_two_workers_end_with_the_weights_of_one(
    start, train_arguments, uninterrupted, tmp_path
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
        for line in process.finish().splitlines()
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
    start, train_arguments, tmp_path
):
    (tmp_path / "config.json").write_text('{"seed": 5}')
    (tmp_path / "metrics.jsonl").touch()  # something was done
    code, said = start(*train_arguments, f"--workdir={tmp_path}").wait()
    assert code == 2
    assert "seed: 5 -> 0" in said
