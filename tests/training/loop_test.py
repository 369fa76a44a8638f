"""The loop with a trainer of one weight; the detector's is in tests/contract."""

import errno
import json
import os
import shutil
import types
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import precision
from safefakes_tf.config import LoopConfig
from safefakes_tf.training import loop, metrics_file, strategy
from safefakes_tf.training.batches import Positioned


class Numbers(NamedTuple):
    number: tf.Tensor


class OneWeight:
    """Moves a weight towards each number it is shown; `poison` makes a NaN."""

    compiles = False
    optimizes = True

    def __init__(self, poison=None):
        self.weight = tf.Variable(0.0)
        self.items = {"weight": self.weight}
        self._poison = poison

    def train_step(self, batch):
        context = tf.distribute.get_replica_context()
        numbers = tf.cast(batch.number, tf.float32)
        error = tf.reduce_mean(numbers - self.weight) / context.num_replicas_in_sync
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, error)
        self.weight.assign_add(0.1 * total)
        bad = tf.reduce_any(batch.number == (self._poison or -1))
        return {"total": tf.where(bad, np.nan, error)}

    def learning_rate(self):
        return 0.1

    def image_summary(self, batch):
        return np.zeros([2, 2, 3], np.uint8)


def numbers_from(position):
    """Every third element is dropped, as photos without faces are."""
    numbers = tf.data.Dataset.counter(position).filter(lambda n: n % 3 > 0)
    return numbers.map(lambda n: Positioned(Numbers(n), n)).batch(4)


def train(
    workdir,
    total_steps,
    devices="cpu",
    poison=None,
    on_checkpoint=lambda step: None,
    **options,
):
    distribution = strategy.create(devices)
    with distribution.scope():
        trainer = OneWeight(poison)
    rhythm = {"log_every": 1, "checkpoint_every": 5, "image_summary_every": 100}
    config = LoopConfig(
        total_steps=total_steps, global_batch_size=4, **{**rhythm, **options}
    )
    loop.train(trainer, numbers_from, distribution, config, workdir, on_checkpoint)
    return trainer.weight.numpy()


class Spoilt(OneWeight):
    """Its loss is finite, but what the fifth step makes of the weights is not."""

    def __init__(self):
        super().__init__()
        self.items["model"] = keras.Sequential(
            [keras.Input([1]), keras.layers.Dense(1)]
        )

    def train_step(self, batch):
        for weight in self.items["model"].weights:
            weight.assign(weight + tf.where(self.weight > 0.7, np.nan, 0.0))
        return super().train_step(batch)


def test_spoilt_weights_are_not_kept(tmp_path):
    config = LoopConfig(
        total_steps=20, global_batch_size=4, log_every=1, checkpoint_every=1
    )
    distribution = strategy.create("cpu")
    with pytest.raises(loop.NonFiniteLoss, match="weights of model are not finite"):
        loop.train(Spoilt(), numbers_from, distribution, config, tmp_path)
    newest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    stored = tf.train.load_checkpoint(newest)
    names = [n for n in stored.get_variable_to_shape_map() if n.startswith("model/")]
    values = [stored.get_tensor(name) for name in names]
    floats = [value for value in values if value.dtype == np.float32]
    assert len(floats) >= 2  # kernel and bias
    assert all(np.isfinite(value).all() for value in floats)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_half_precision_is_named_where_a_training_diverges(tmp_path, policy):
    config = LoopConfig(total_steps=20, global_batch_size=4, log_every=1)
    with precision.policy(policy), pytest.raises(loop.NonFiniteLoss) as error:
        loop.train(Spoilt(), numbers_from, strategy.create("cpu"), config, tmp_path)
    assert ("mixed_precision=mixed_bf" in str(error.value)) == (policy != "float32")


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
def test_ten_steps_are_five_steps_and_five_resumed(tmp_path, devices):
    whole = train(tmp_path / "whole", 10, devices)
    train(tmp_path / "parts", 5, devices)
    assert train(tmp_path / "parts", 10, devices) == whole


def test_two_replicas_see_what_one_device_sees(tmp_path):
    one = train(tmp_path / "one", 7)
    two = train(tmp_path / "two", 7, "cpu:2")
    np.testing.assert_allclose(one, two, rtol=1e-6)


DAMAGED_LINES = [
    b"\xff\xfe",
    b"3",
    b"[" * 100_000,
    b'{"step": "3", "seconds": 1.0}',
    b'{"step": 3, "seconds": null}',
    b'{"step": 3, "seconds": NaN}',
    b'{"seconds": 1.0}',
]


@pytest.mark.parametrize("line", DAMAGED_LINES)
def test_a_damaged_line_of_metrics_is_left_out(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line + b'\n{"step": 2, "seconds": 7}\n{"st')
    assert metrics_file.read(path) == [{"step": 2, "seconds": 7}]


def test_metrics_of_a_full_disk_are_kept(tmp_path, monkeypatch):
    train(tmp_path, 5)
    before = (tmp_path / "metrics.jsonl").read_bytes()

    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        train(tmp_path, 8)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize("kind", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_damaged_checkpoint_is_one_line(tmp_path, kind, share):
    train(tmp_path, 5)
    path = tmp_path / "checkpoints" / f"ckpt-5.{kind}"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"^the checkpoint [^\n]*ckpt-5 is broken, or"):
        train(tmp_path, 8)


@pytest.mark.parametrize(
    "content", [b"", b"model_checkpoint_path: \xff", b'model_checkpoint_path: "ckpt-9"']
)
def test_a_training_does_not_start_anew_over_its_checkpoints(tmp_path, content):
    train(tmp_path, 5)
    (tmp_path / "checkpoints" / "checkpoint").write_bytes(content)
    with pytest.raises(ValueError, match=r"^the checkpoint [^\n]* is broken, [^\n]*$"):
        train(tmp_path, 8)


def test_a_work_folder_that_is_removed_is_not_made_anew(tmp_path, monkeypatch):
    def remove(*_):
        shutil.rmtree(tmp_path / "work")

    monkeypatch.setattr(loop, "_check_weights", remove)
    with pytest.raises(FileNotFoundError, match="work/checkpoints"):
        train(tmp_path / "work", 5)
    assert not (tmp_path / "work").exists()


def test_a_picture_that_fails_costs_no_steps(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole", 10, image_summary_every=5)
    parts = tmp_path / "parts"

    def fail(self, batch):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(OneWeight, "image_summary", fail)
        with pytest.raises(MemoryError):
            train(parts, 10, image_summary_every=5)
    assert (parts / "checkpoints" / "ckpt-5.index").exists()
    assert train(parts, 10, image_summary_every=5) == whole


def test_a_kill_right_after_a_checkpoint_is_made_up_for(tmp_path):
    """What is made of checkpoints would else be that of an older one, or absent."""
    told = []

    def killed(step):
        raise KeyboardInterrupt

    for total_steps, expected in ((5, [5]), (10, [5, 10])):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / str(total_steps), 5, on_checkpoint=killed)
        train(tmp_path / str(total_steps), total_steps, on_checkpoint=told.append)
        assert told == expected
        told.clear()


def test_half_a_checkpoint_of_a_kill_is_removed(tmp_path):
    train(tmp_path, 5)
    (tmp_path / "checkpoints" / "ckpt-8_temp" / "part").mkdir(parents=True)
    train(tmp_path, 8)
    assert not list(tmp_path.rglob("*_temp"))


@pytest.mark.parametrize("task", [0, 1])
def test_only_the_chief_removes_it(tmp_path, task):
    """Workers that start together would take files away from under each other."""
    half = tmp_path / "checkpoints" / "ckpt-8_temp" / "part"
    half.mkdir(parents=True)
    cluster = tf.train.ClusterSpec({"worker": ["a:1", "b:1"]})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type="worker", task_id=task
    )
    loop._Progress(
        OneWeight(), types.SimpleNamespace(cluster_resolver=resolver), tmp_path
    )
    assert half.exists() == (task != 0)


def test_metrics_hold_each_step_once_after_a_kill(tmp_path):
    train(tmp_path, 5)
    with (tmp_path / "metrics.jsonl").open("a") as file:  # steps after the checkpoint,
        file.write(json.dumps({"step": 6, "seconds": 9.0, "total": 1.0}) + "\n")
        file.write('{"step": 7, "tot')  # the last one cut short
    train(tmp_path, 8)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, 9))
    seconds = [json.loads(line)["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    assert seconds[-1] < 9.0


def test_a_non_finite_loss_stops_with_a_report_and_keeps_the_checkpoint(tmp_path):
    with pytest.raises(loop.NonFiniteLoss, match=r"step 8: .*total nan"):
        train(tmp_path, 20, poison=46)
    newest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    assert newest.endswith("ckpt-5")


@pytest.mark.parametrize("per_call", [1, 3, 50])
def test_a_loss_that_is_not_finite_between_two_logs_is_found(tmp_path, per_call):
    """The step is named, not that at which losses were read; later ones are finite."""
    with pytest.raises(loop.NonFiniteLoss, match=r"^step 8: .*total nan"):
        train(tmp_path, 20, poison=46, log_every=20, steps_per_call=per_call)
    newest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    assert newest.endswith("ckpt-5")
    assert not metrics_file.read(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
def test_steps_of_a_call_keep_the_rhythm(tmp_path, devices, monkeypatch):
    pictures = []
    monkeypatch.setattr(
        OneWeight,
        "image_summary",
        lambda self, batch: (
            pictures.append(batch.number.numpy().tolist())
            or np.zeros([2, 2, 3], np.uint8)
        ),
    )
    rhythm = {"log_every": 3, "image_summary_every": 4}
    one = train(tmp_path / "1", 11, devices, steps_per_call=1, **rhythm)
    several = train(tmp_path / "7", 11, devices, steps_per_call=7, **rhythm)
    assert one == several
    assert pictures[: len(pictures) // 2] == pictures[len(pictures) // 2 :]
    logs = [metrics_file.read(tmp_path / n / "metrics.jsonl") for n in ("1", "7")]
    assert [record["step"] for record in logs[1]] == [3, 6, 9, 11]
    assert [r["total"] for r in logs[0]] == [r["total"] for r in logs[1]]
    for folder in ("1", "7"):
        images = (tmp_path / folder / "pictures").iterdir()
        assert sorted(path.stem for path in images) == [
            "00000004",
            "00000008",
            "00000011",
        ]


def test_xla_gives_what_the_graph_gives(tmp_path):
    off = train(tmp_path / "off", 5, xla="off")
    np.testing.assert_allclose(train(tmp_path / "on", 5, xla="on"), off, rtol=1e-6)


def test_xla_is_refused_on_several_devices(tmp_path):
    with pytest.raises(ValueError, match="one device; got 2 replicas: choose auto"):
        train(tmp_path, 5, "cpu:2", xla="on")


def test_no_training_waits_for_a_sleeping_tuner(monkeypatch, tmp_path):
    seen = []
    begin = tf.data.Dataset.__iter__

    def iterate(dataset):
        seen.append(dataset.options().autotune.enabled)
        return begin(dataset)

    monkeypatch.setattr("tensorflow.data.Dataset.__iter__", iterate)
    train(tmp_path, 1, "cpu:2")
    assert seen == [False]


def test_a_batch_that_does_not_split_is_refused(tmp_path):
    distribution = strategy.create("cpu:2")
    config = LoopConfig(total_steps=1, global_batch_size=3)
    with pytest.raises(ValueError, match="multiple of the 2 replicas; got 3"):
        loop.train(OneWeight(), numbers_from, distribution, config, tmp_path)


def test_a_finished_run_is_left_as_it_is(tmp_path):
    once = train(tmp_path, 5)
    assert train(tmp_path, 5) == once
