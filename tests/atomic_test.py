"""A file has its name as a whole or not at all."""

import pathlib

import pytest

from safefakes_tf import atomic


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deeper" / "model"
    with pytest.raises(KeyError), atomic.making(path) as folder:
        (folder / "variables_temp").mkdir()
        raise KeyError
    assert not list(path.parent.iterdir())
    for content in ("first", "second"):
        with atomic.making(path) as folder:
            (folder / "file").write_text(content)
            assert not (path / "file").exists() or content == "second"
    assert (path / "file").read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_folder_stays_if_the_new_one_does_not_get_its_name(
    failure, tmp_path, monkeypatch
):
    path, replace = tmp_path / "model", pathlib.Path.replace
    with atomic.making(path) as folder:
        (folder / "file").write_text("first")

    def fail(self, target):
        if self == folder:
            raise failure
        return replace(self, target)

    monkeypatch.setattr(pathlib.Path, "replace", fail)
    with pytest.raises(failure), atomic.making(path) as folder:
        (folder / "file").write_text("second")
    assert (path / "file").read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_removed_with_what_is_in_them(tmp_path):
    for name in (".a.partial/.b.partial", ".a.partial/c", "folder/.d.partial", "e"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / ".link.partial").symlink_to(tmp_path / "folder")
    atomic.remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"folder", "e"}


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
