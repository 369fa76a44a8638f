"""Pickles of NumPy arrays, as LPIPS's published weights are, and files of ill will."""

import pickle

import assembler
import numpy as np
import pytest
from assembler import call, mapping, name, row, text, whole

from safefakes_tf.importers import numpy_files

TREE = {
    "block": {
        "weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big_endian": np.arange(3, dtype=">i4"),
        "half": np.ones(2, np.float16),
        "flags": np.array([True, False]),
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 3), np.uint8),
    },
    "step": 3,
    "rate": 0.1,
    "name": "ä",
    "none": None,
}


@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_come_back(tmp_path, protocol, module):
    path = tmp_path / "some.ckpt"
    content = pickle.dumps(TREE, protocol)
    if protocol == 3:  # where lengths do not come before names
        content = content.replace(b"numpy._core", module)
    path.write_bytes(content)
    tree = numpy_files.read(path)
    arrays = tree.pop("block")
    assert tree == {key: value for key, value in TREE.items() if key != "block"}
    assert set(arrays) == set(TREE["block"])
    for key, array in TREE["block"].items():
        assert arrays[key].dtype == array.dtype
        np.testing.assert_array_equal(arrays[key], array)


RECONSTRUCT = name("numpy.core.multiarray", "_reconstruct")
NDARRAY = name("numpy", "ndarray")
DTYPE = call(name("numpy", "dtype"), text("f4"))
ORDER = row(whole(3), text("<"), b"NNN", whole(-1), whole(-1), whole(0))
ARRAY = call(RECONSTRUCT, NDARRAY, row(whole(0)), b"C\1b")
BYTES = b"C\x08" + bytes(8)
NUMBERS = (whole(1), row(whole(2)), DTYPE, b"\x89", BYTES)


def with_numbers(*changes):
    """Return an array of two numbers with some of its five attributes replaced."""
    numbers = list(NUMBERS)
    for place, value in changes:
        numbers[place] = value
    return mapping(a=ARRAY + row(*numbers) + b"b")


def test_an_array_by_hand(tmp_path):
    path = tmp_path / "some.ckpt"
    path.write_bytes(assembler.program(with_numbers()))
    np.testing.assert_array_equal(numpy_files.read(path)["a"], np.zeros(2, "f4"))


LAUGHS = b"]q\0" + b"](h\0h\0eq\0" * 40

HOSTILE = {
    "shape beyond its bytes": with_numbers((1, row(whole(10**12)))),
    "negative shape": with_numbers((1, row(whole(-2), whole(-1)))),
    "shape of lists": with_numbers((1, row(row(b"N" * 9), whole(10**12)))),
    "numbers of no type": with_numbers((2, b"N")),
    "numbers without bytes": with_numbers((4, LAUGHS)),
    "array without numbers": mapping(a=ARRAY),
    "four attributes": mapping(a=ARRAY + row(*NUMBERS[:4]) + b"b"),
    "attributes in a text": mapping(a=ARRAY + text("x" * 10**6) + b"b"),
    "attributes of a class": mapping(a=NDARRAY + mapping(x=b"N") + b"b"),
    "class of its own": mapping(a=call(RECONSTRUCT, DTYPE)),
    "type of objects": mapping(a=call(name("numpy", "dtype"), text("O8"))),
    "type of fields": mapping(
        a=DTYPE + row(whole(3), text("<"), b"N", row(text("x")), b"N", b"NNN") + b"b"
    ),
    "type as a value": mapping(a=DTYPE + ORDER + b"b"),
    "type of a list": mapping(a=call(name("numpy", "dtype"), LAUGHS)),
    "class as a value": mapping(a=NDARRAY),
    "class that is called": mapping(a=NDARRAY + b")R"),
    "type that is called": mapping(a=DTYPE + b")R"),
    "other name": mapping(a=call(name("numpy", "load"), text("x"))),
    "object outside": mapping(a=b"NQ"),
    "mark left open": b"}(" + text("a") + b"K\1s",
    "key without a value": b"}(" + text("a") + b"u",
    "dict in itself": b"}q\0" + text("a") + b"h\0s",
    "deep dict": b"}" + (text("a") + b"}") * 9999 + b"s" * 9999,
    "bytes that are not there": mapping(a=b"B\xff\xff\xff\x7fabc"),
    "list": b"]",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_are_refused_in_one_line(tmp_path, kind):
    path = tmp_path / "some.ckpt"
    path.write_bytes(assembler.program(HOSTILE[kind]))
    with pytest.raises(ValueError, match=r"^\S*some.ckpt (must be|names) ") as error:
        numpy_files.read(path)
    assert str(error.value).isprintable()


def test_code_is_refused_and_not_run(tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "some.ckpt"
    path.write_bytes(pickle.dumps({"a": Touch()}))
    with pytest.raises(ValueError, match=r"names \S+\.open, .* was not run"):
        numpy_files.read(path)
    assert not (tmp_path / "ran").exists()


def test_a_file_cut_short_is_refused_in_one_line(tmp_path):
    path = tmp_path / "some.ckpt"
    content = pickle.dumps(TREE, 4)
    for length in (0, 1, 40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"some.ckpt must be a pickle") as error:
            numpy_files.read(path)
        assert str(error.value).isprintable()


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "some.ckpt"
    path.write_bytes(pickle.dumps(TREE, 3))
    monkeypatch.setattr(numpy_files, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        numpy_files.read(path)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"absent.ckpt cannot be read: No such file"):
        numpy_files.read(tmp_path / "absent.ckpt")
