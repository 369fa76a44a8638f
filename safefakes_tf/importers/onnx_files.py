"""Reads the weights of an ONNX file, which is a protocol buffer, without a library.

Source: onnx.proto of https://github.com/onnx/onnx, which numbers the fields; messages
are coded as https://protobuf.dev/programming-guides/encoding tells.
"""

from collections.abc import Iterator

import numpy as np

GRAPH = 7  # of a model
NODES, TENSORS = 1, 5  # of a graph
INPUTS = 1  # of a node
DIMENSIONS, TYPE, FLOATS, NAME, RAW = 1, 2, 4, 8, 9  # of a tensor
FLOAT32 = 1  # value of its type
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # how a field is coded


def read(content: bytes) -> list[list[np.ndarray]]:
    """Return the weights of each layer that has some, in the order of the graph.

    Args:
        content: of the file; other tensors than such of float32 are left out.

    Returns:
        float32 arrays, per layer in the order of its inputs.

    Raises:
        ValueError: if it is no ONNX file.
    """
    try:
        fields = _fields(memoryview(content))
        (graph,) = (value for field, value in fields if field == GRAPH)
        fields = list(_fields(graph))
        tensors = [_tensor(value) for field, value in fields if field == TENSORS]
        arrays = {name: array for name, array in tensors if array is not None}
        inputs = [
            [bytes(name) for number, name in _fields(node) if number == INPUTS]
            for field, node in fields
            if field == NODES
        ]
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError("an ONNX file was expected; this is none, or cut") from error
    layers = [[arrays[name] for name in names if name in arrays] for names in inputs]
    return [layer for layer in layers if layer]


def _tensor(message):
    """Return the name of a tensor and its values; None if they are not of float32."""
    fields = list(_fields(message))
    values = dict(fields)
    if values[TYPE] != FLOAT32:
        return None, None
    shape = [size for field, size in fields if field == DIMENSIONS]
    raw = values[RAW] if RAW in values else values[FLOATS]
    return bytes(values[NAME]), np.frombuffer(raw, "<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, coding = key >> 3, key & 7
        if coding == VARINT:
            value, position = _varint(message, position)
        else:
            if coding == BYTES:
                size, position = _varint(message, position)
            else:
                size = {EIGHT_BYTES: 8, FOUR_BYTES: 4}[coding]
            value = message[position : position + size]
            position += size
            if position > len(message):
                raise IndexError(position)
        yield number, value


def _varint(message, position):
    """Return a number of seven bits per byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
