import pytest
import tensorflow as tf

from safefakes_tf.training import strategy


def test_cpu_is_one_device():
    assert strategy.create("cpu").num_replicas_in_sync == 1


def test_two_logical_cpus_make_a_mirrored_strategy():
    created = strategy.create("cpu:2")
    assert isinstance(created, tf.distribute.MirroredStrategy)
    assert created.num_replicas_in_sync == 2
    assert strategy.is_chief(created)


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ("tpu", "must be auto"),
        ("cpu:many", "like gpu:2"),
        ("cpu:7", "asks for 7 CPUs; 2 are here"),
        ("multi_worker", "TF_CONFIG"),
    ],
)
def test_devices_that_are_not_there(devices, words, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=words):
        strategy.create(devices)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}',
    ],
)
def test_a_cluster_that_is_not_described_is_one_line(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    words = r'^TF_CONFIG must be JSON like \{"cluster": [^\n]*; got [^\n]*$'
    for ask in (strategy.will_be_chief, strategy.create):
        with pytest.raises(ValueError, match=words):
            ask("multi_worker")


@pytest.mark.parametrize("started", [False, True])
def test_memory_of_gpus_grows_unless_tensorflow_has_started(monkeypatch, started):
    seen = []

    def grow(gpu, enable):
        if started:
            raise RuntimeError("cannot be modified after being initialized")
        seen.append((gpu, enable))

    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: [f"{kind} 0", f"{kind} 1"]
    )
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    with pytest.raises(ValueError, match="2 are here"):
        strategy.create("gpu:3")
    assert seen == ([] if started else [("GPU 0", True), ("GPU 1", True)])


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="has a GPU")
def test_no_gpu_is_said_so():
    with pytest.raises(ValueError, match="0 are here"):
        strategy.create("gpu:2")
