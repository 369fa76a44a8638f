import io
import zipfile

import numpy as np
import pytest

from safefakes_tf.importers import npz_files

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.array(3),
    "empty": np.zeros((0, 4)),
    "text": np.array("grün"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(tmp_path, save):
    save(tmp_path / "some.npz", **ARRAYS)
    got = npz_files.read(tmp_path / "some.npz")
    assert set(got) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def refusal(path, **options):
    with pytest.raises(ValueError) as error:
        npz_files.read(path, **options)
    assert str(error.value).isprintable()
    return str(error.value)


def test_the_sum_of_arrays_is_bounded(tmp_path):
    path = tmp_path / "some.npz"
    np.savez_compressed(path, a=np.zeros(2**18), b=np.zeros(2**18))
    assert path.stat().st_size < 10_000
    assert len(npz_files.read(path, max_gb=0.005)) == 2
    assert refusal(path, max_gb=0.004) == "its arrays take 0.00419 GB; max_gb is 0.004"


def test_objects_are_refused(tmp_path):
    np.savez(tmp_path / "some.npz", a=np.array([{}], object), allow_pickle=True)
    refusal(tmp_path / "some.npz")


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "magic string"),
        (b"text", "magic string"),
        (npy(np.zeros(3))[:-1], "an array of 24 bytes; it has 23"),
        (npy(np.zeros(3)) + b"x", "an array of 24 bytes; it has 25"),
        (npy(np.zeros(3)).replace(b"(3,)", b"(-3,)"), "an array of -24 bytes"),
        (npy(np.zeros(3)).replace(b"NUMPY\1", b"NUMPY\3"), "version"),
        (npy(np.zeros(3)).replace(b"<f8", b"\n\x1b8"), ""),
    ],
)
def test_members_that_are_no_arrays_are_refused(tmp_path, content, reason):
    path = tmp_path / "some.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", content)
    assert reason in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compression_is_refused(tmp_path, method):
    path = tmp_path / "some.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("a.npy", npy(np.zeros(3)))
    assert "must be stored or deflated" in refusal(path)


def test_no_file(tmp_path):
    assert refusal(tmp_path / "absent.npz") == "No such file or directory"
    assert refusal(tmp_path) == "Is a directory"
