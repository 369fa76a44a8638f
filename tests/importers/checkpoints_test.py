"""Checkpoints of several formats, and what people have instead of them."""

import json

import numpy as np
import pytest
import safetensors.numpy

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.detectors.dsfd import importer as dsfd
from safefakes_tf.importers import checkpoints, parameters, safetensors_files

ARRAYS = {"module.a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2)}


def test_safetensors_are_read(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file(ARRAYS, path)
    found = checkpoints.read(path)
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], ARRAYS["module.a"])


def tensors(content, **header):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def test_numbers_that_numpy_lacks_become_float32(tmp_path):
    path = tmp_path / "brain.bin"  # the content tells, not the name
    about = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
    path.write_bytes(tensors(b"\x80\x3f\x40\xc0", a=about))
    found = checkpoints.read(path)["a"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.0, -3.0]


@pytest.mark.parametrize(
    "content",
    [
        tensors(b"", a={"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4]}),
        tensors(bytes(4), a={"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}),
        tensors(bytes(4), a={"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}),
        (2**62).to_bytes(8, "little") + b"{",
        tensors(bytes(4), a={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})[
            :-3
        ],
    ],
)
def test_broken_safetensors_are_one_line(content, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="must be a safetensors file; it") as error:
        checkpoints.read(path)
    assert "\n" not in str(error.value)


def test_safetensors_that_are_too_large_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.numpy.save_file(ARRAYS, path)
    with pytest.raises(ValueError, match=r"take .* GB; max_gb is 1e-08"):
        safetensors_files.read(path, max_gb=1e-8)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1",
            "a git-lfs pointer",
        ),
        (b"\n<!DOCTYPE html><html><head>", "a web page"),
        (b"<html>", "a web page"),
        (b'{"message": "Not Found"}', "JSON text"),
        (b"\x1f\x8b\x08\0\0", "a compressed archive; unpack"),
        (b"dsfd.pth" + bytes(249) + b"ustar", "an archive; unpack"),
    ],
)
@pytest.mark.parametrize("name", ["a.pth", "a.npz", "a.safetensors"])
def test_what_is_no_checkpoint_is_told_as_such(content, what, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    for read in (checkpoints.read, generator_files.read):
        with pytest.raises(
            ValueError, match=rf"{name} is no file of weights but {what}"
        ):
            read(path)


def test_another_network_is_told_with_ten_names_at_most():
    variables = {f"layer{number}": None for number in range(50)}
    arrays = {f"other{number}": np.ones(1) for number in range(50)}
    with pytest.raises(ValueError, match="of another network than net: ") as error:
        parameters.load("net", variables, arrays)
    assert str(error.value).count("layer") == str(error.value).count("other") - 1 == 10
    variables["other0"] = np.ones(1)
    with pytest.raises(ValueError, match=r"missing layer0, .* and 40 more") as error:
        parameters.load("net", variables, arrays)
    assert "unknown other1, " in str(error.value)
    assert "and 39 more" in str(error.value)


def test_the_network_that_a_detector_starts_from_is_told_apart():
    arrays = {"0.weight": np.ones([64, 3, 3, 3]), "0.bias": np.ones(64)}
    with pytest.raises(ValueError, match="VGG-16 that an SSD starts from; let a "):
        dsfd.load_reference(None, arrays)
