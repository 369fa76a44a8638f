"""What all tests of WIDER FACE's builder are given."""

import functools

import built_copies
import made_up_widerface
import pytest


@pytest.fixture
def raw(tmp_path):
    """Return the folder of a made-up copy."""
    return made_up_widerface.write_copy(tmp_path / "raw")


@pytest.fixture
def build(tmp_path, raw):
    """A function: prepares the source photos of `raw`, and returns the builder."""
    return functools.partial(built_copies.build, "widerface", raw, tmp_path / "data")
