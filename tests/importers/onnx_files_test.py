import numpy as np
import pytest

from safefakes_tf.importers import onnx_files

BYTES = 2  # how a field is coded


def field(number, value):
    """Return a field as a protocol buffer has it, from a number or from bytes."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | BYTES]) + varint(len(value)) + value


def varint(value):
    if value > 0x7F:
        return bytes([value & 0x7F | 0x80]) + varint(value >> 7)
    return bytes([value])


def tensor(name, array, raw):
    values = np.float32(array).tobytes()
    dims = b"".join(field(1, size) for size in np.shape(array))
    return dims + field(2, 1) + field(8, name) + field(9 if raw else 4, values)


def node(*inputs):
    return b"".join(field(1, each) for each in inputs) + field(4, b"Conv")


KERNEL, BIAS = np.arange(150).reshape(2, 75), np.array([0.5, -0.25])


def model():
    whole_numbers = field(1, 1) + field(2, 7) + field(8, b"n") + field(9, bytes(8))
    tensors = tensor(b"b", BIAS, raw=False), tensor(b"k", KERNEL, raw=True)
    nodes = node(b"x"), node(b"x", b"k", b"b"), node(b"y", b"b", b"n")
    graph = [field(5, each) for each in (*tensors, whole_numbers)]
    graph += [field(1, each) for each in nodes]
    return field(1, 300) + field(7, b"".join(graph))


def test_weights_come_layer_by_layer():
    convolution, other = onnx_files.read(model())
    kernel, bias = convolution
    np.testing.assert_array_equal(kernel, KERNEL)
    np.testing.assert_array_equal(bias, BIAS)
    (again,) = other
    np.testing.assert_array_equal(again, BIAS)


@pytest.mark.parametrize(
    "content", [model()[:-40], b"\x0f\x0f", b"\xff" * 9, b"<html>"]
)
def test_another_file_is_told(content):
    with pytest.raises(ValueError, match="an ONNX file was expected"):
        onnx_files.read(content)
