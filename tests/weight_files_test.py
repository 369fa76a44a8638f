"""Where the networks' weights are looked for."""

import hashlib

import pytest

from safefakes_tf import weight_files
from safefakes_tf.weight_files import WeightFile

FILE = WeightFile("some.ckpt", hashlib.sha256(b"weights").hexdigest(), "bake them")


def test_the_cache_folder_a_folder_and_a_file_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SAFEFAKES_CACHE", str(tmp_path / "cache"))
    other = tmp_path / "other.ckpt"
    for path in (tmp_path / "cache" / FILE.name, tmp_path / FILE.name, other):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"weights")
    assert weight_files.find(FILE) == tmp_path / "cache" / FILE.name
    assert weight_files.find(FILE, tmp_path) == tmp_path / FILE.name
    assert weight_files.find(FILE, tmp_path, other) == other


def test_a_file_that_is_absent_is_told_with_where_to_get_it(tmp_path):
    with pytest.raises(ValueError, match=r"some.ckpt is not there: bake them"):
        weight_files.find(FILE, tmp_path)
    (tmp_path / FILE.name).write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"absent.ckpt is not there"):  # it is final
        weight_files.find(FILE, tmp_path, tmp_path / "absent.ckpt")


def test_another_digest_is_refused(tmp_path):
    (tmp_path / FILE.name).write_bytes(b"other weights")
    with pytest.raises(ValueError, match=r"must have SHA-256 \w{64}; got \w{64}: an"):
        weight_files.find(FILE, tmp_path)


def test_the_first_digits_of_a_digest_may_be_all_that_is_known(tmp_path):
    (tmp_path / FILE.name).write_bytes(b"weights")
    short = FILE._replace(sha256=FILE.sha256[:8])
    assert weight_files.find(short, tmp_path)
    with pytest.raises(ValueError, match="must have SHA-256 00000000; got"):
        weight_files.find(FILE._replace(sha256="0" * 8), tmp_path)
