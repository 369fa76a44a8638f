import dataclasses

import keras
import pytest
import tensorflow as tf

from safefakes_tf import arithmetic, precision
from safefakes_tf.config import TrainDetector, apply_overrides


def machine(monkeypatch, flags, *capabilities):
    """Pretend that the process runs on a processor and GPUs."""
    monkeypatch.setattr(arithmetic, "processor_flags", lambda: {*flags})
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: [*capabilities]
    )
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": gpu} if gpu else {},
    )


@pytest.mark.parametrize(
    ("flags", "capabilities", "devices", "policy"),
    [
        (["avx2", "avx512_bf16"], [], "auto", "float32"),
        (["avx512_bf16", "amx_bf16"], [], "auto", "mixed_bfloat16"),
        ([], [], "auto", "float32"),
        ([], [(9, 0)], "auto", "mixed_bfloat16"),
        (["amx_bf16"], [(7, 5)], "auto", "float32"),
        (["amx_bf16"], [(7, 5)], "cpu", "mixed_bfloat16"),
        ([], [(9, 0), (7, 0)], "gpu:2", "float32"),
        ([], [None], "gpu", "float32"),  # of another maker
    ],
)
def test_the_machine_decides(flags, capabilities, devices, policy, monkeypatch):
    machine(monkeypatch, flags, *capabilities)
    assert precision.best(devices) == policy


def test_auto_becomes_what_it_means_and_is_told(monkeypatch, capsys):
    machine(monkeypatch, [], (8, 0))
    settings = apply_overrides(TrainDetector(), ["loop.mixed_precision=auto"])
    found = precision.resolved(settings)
    assert found.loop.mixed_precision == "mixed_bfloat16"
    loop = dataclasses.replace(found.loop, mixed_precision="auto")
    assert dataclasses.replace(found, loop=loop) == settings
    assert capsys.readouterr().out == "precision: mixed_bfloat16 (auto)\n"


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_named_precision_stays(name, monkeypatch, capsys):
    machine(monkeypatch, ["amx_bf16"])
    override = f"loop.mixed_precision={name}"
    settings = apply_overrides(TrainDetector(), [override])
    assert precision.resolved(settings) is settings
    assert not capsys.readouterr().out


def test_a_policy_holds_inside_only():
    before = keras.config.dtype_policy().name
    with pytest.raises(KeyError), precision.policy("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyError
    assert keras.config.dtype_policy().name == before
