"""What equal bytes hold for is told, and tells arithmetics apart."""

import platform

import pytest
import tensorflow as tf

from safefakes_tf import arithmetic


def test_every_part_is_told():
    told = arithmetic.describe()
    assert told["tensorflow"] == tf.__version__
    assert told["onednn"] == "on"  # see shared_fixtures.py
    assert platform.machine() in told["instruction_set"]
    assert told["precision"].startswith("float32")
    assert all(type(value) is str and value for value in told.values())


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "0", "onednn"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", "instruction_set"),
    ],
)
def test_what_the_environment_says_of_onednn_is_told(monkeypatch, name, value, part):
    before = arithmetic.describe()
    monkeypatch.setenv(name, value)
    changed = arithmetic.describe().items() - before.items()
    assert [key for key, _ in changed] == [part]


@pytest.mark.parametrize(
    ("flags", "best"),
    [
        ("fpu avx avx2 bmi2", " avx2"),
        ("avx2 avx512_vnni avx512bw avx", " avx512_vnni"),
        ("fpu", ""),
        (None, ""),  # not on Linux
    ],
)
def test_the_best_instructions_of_the_processor_are_told(
    flags, best, tmp_path, monkeypatch
):
    path = tmp_path / "cpuinfo"
    if flags is not None:
        path.write_text(f"model name\t: some\nflags\t\t: {flags}\n")
    monkeypatch.setattr(arithmetic, "_CPUINFO", path)
    assert arithmetic.describe()["instruction_set"] == f"{platform.machine()}{best}"


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [
        ("avx2 avx512bw avx512_vnni", {}, False),
        ("avx2 avx512bw avx512_vnni avx512_bf16", {}, True),
        ("avx512_bf16 amx_tile", {}, True),
        ("avx512_bf16", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, False),
        ("avx512_bf16", {"TF_ENABLE_ONEDNN_OPTS": "0"}, False),
    ],
)
def test_bfloat16_is_used_where_the_processor_has_it(
    flags, environment, expected, tmp_path, monkeypatch
):
    path = tmp_path / "cpuinfo"
    path.write_text(f"flags\t\t: {flags}\n")
    monkeypatch.setattr(arithmetic, "_CPUINFO", path)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert arithmetic.has_bfloat16() == expected
