"""A file has its name as a whole or not at all."""

import pytest

from safefakes_tf import atomic


def test_a_file_gets_its_name_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic.writing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    atomic.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic.writing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_names_may_be_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 255)
    atomic.write_text(path, "é")
    assert path.read_text(encoding="utf-8") == "é"
