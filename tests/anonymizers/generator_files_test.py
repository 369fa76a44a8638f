"""What a generator's file may tell of itself."""

import json

import numpy as np
import pytest

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import WEIGHTS

DEMO = WEIGHTS / "sun2018_crowd.npz"


@pytest.fixture(scope="module")
def arrays():
    with np.load(DEMO) as file:
        return dict(file)


@pytest.fixture
def file(tmp_path, arrays):
    """A function: writes the file with something else for what it tells."""

    def write(about):
        path = tmp_path / "generator.npz"
        np.savez(path, **{**arrays, generator_files.ABOUT: about})
        return path

    return write


def changed(arrays, field, value):
    about = json.loads(str(arrays[generator_files.ABOUT]))
    group, _, name = field.rpartition(".")
    (about[group] if group else about)[name] = value
    return json.dumps(about)


@pytest.mark.parametrize(
    "about", ["", "{", "[]", "3", "null", "{}", "[" * 10**5, '{"method": ' * 10**5]
)
def test_what_is_no_description_is_one_line(file, about):
    path, reason = file(about), r"must be a generator's file, [^\n]*"
    with pytest.raises(ValueError, match=rf"^{path} {reason}$"):
        generator_files.read(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", []),
        ("method", None),
        ("method", "blur"),
        ("method", "nobody"),
        ("config", []),
        ("config", "x"),
        ("config.width", "4"),
        ("config.width", 10**9),
        ("config.width", 10**30),
        ("config.width", [4]),
        ("config.resolution", 1e300),
        ("config.resolution", -16),
        ("config.resolution", 17),
        ("config.fill", True),
        ("config.other", 1),
        ("origin", 5),
        ("origin", None),
        ("demonstration", "yes"),
        ("other", 1),
    ],
)
def test_a_value_of_another_type_is_one_line(file, arrays, field, value):
    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        generator_files.read(file(changed(arrays, field, value)))


def test_what_was_written_is_read(file, arrays):
    _, about = generator_files.read(file(changed(arrays, "origin", "elsewhere")))
    assert (about.method, about.origin) == ("sun2018", "elsewhere")
