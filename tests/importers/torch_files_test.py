"""Files that PyTorch wrote, by data/write_torch_files.py, and files of ill will."""

import io
import pathlib
import pickle
import zipfile

import assembler
import numpy as np
import pytest

from safefakes_tf.importers import torch_files

DATA = pathlib.Path(__file__).parent / "data"
BASE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
FORMATS = ("archive.pth", "stream.pth")


@pytest.mark.parametrize("name", FORMATS)
def test_tensors_of_every_type_and_layout(name):
    got = torch_files.read(DATA / name)["weight"]
    brain = (BASE / 3).view(np.uint32) + 0x7FFF + ((BASE / 3).view(np.uint32) >> 16 & 1)
    expected = {
        "plain": BASE,
        "transposed": BASE.transpose(2, 0, 1),
        "slice": BASE[:, 1:, ::2],
        "parameter": BASE[0] / np.float32(7),
        "half": BASE.astype(np.float16) / np.float16(3),
        "brain": (brain & 0xFFFF0000).astype(np.uint32).view(np.float32),
        "double": BASE.astype(np.float64) / 3,
        "whole": BASE.astype(np.int64),
        "byte": BASE.astype(np.uint8),
        "flags": BASE > 5,
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 3), np.float32),
    }
    assert set(got) == set(expected)
    for key, value in expected.items():
        assert got[key].dtype == np.asarray(value).dtype, key
        np.testing.assert_array_equal(got[key], value, err_msg=key)


@pytest.mark.parametrize("name", FORMATS)
def test_containers(name):
    tree = torch_files.read(DATA / name)
    assert (tree["epoch"], tree["name"], tree["rates"]) == (3, "x", [0.1, [1, None]])
    assert {key: value.shape for key, value in tree["model"].items()} == {
        "0.weight": (2, 1, 3, 3),
        "0.bias": (2,),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_short_is_refused_in_one_line(tmp_path, name):
    content = (DATA / name).read_bytes()
    path = tmp_path / "cut.pth"
    for length in (0, 1, 40, 300, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"^\S+cut.pth must be a file of torch"):
            torch_files.read(path)


class Touch:
    """Pickles as a call that makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def archive(pickled):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled)
    return buffer.getvalue()


def stream(pickled):
    header = (torch_files.STREAM_MAGIC, torch_files.STREAM_VERSION)
    parts = [pickle.dumps(part, 2) for part in (*header, {"little_endian": True})]
    return b"".join(parts) + pickled


@pytest.mark.parametrize("envelope", [archive, stream, lambda pickled: pickled])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_is_refused_and_not_run(tmp_path, envelope, protocol):
    target = tmp_path / "ran"
    path = tmp_path / "bad.pth"
    path.write_bytes(envelope(pickle.dumps({"weight": Touch(target)}, protocol)))
    with pytest.raises(ValueError, match=r"bad.pth names \S+\.open, .* was not run"):
        torch_files.read(path)
    assert not target.exists()


# A shell command, spelt by hand in the ways that a pickle has to call a function.
COMMAND = b"touch ran"
SPELLINGS = {
    "posix.system": b"cposix\nsystem\n(S'%s'\ntR." % COMMAND,
    "the instruction INST": b"(S'%s'\nios\nsystem\n." % COMMAND,
    "os.system": b"cos\nsystem\n(S'%s'\ntR." % COMMAND,
    "builtins.eval": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "torch.load": b"ctorch\nload\n(S'%s'\ntR." % COMMAND,
    "torch._utils.os.system": b"ctorch._utils\nos.system\n(S'%s'\ntR." % COMMAND,
    "numpy.load": b"cnumpy\nload\n(S'x'\ntR.",
    "an object of kind 'module'": b"(S'module'\nNNNNtQ.",
}


@pytest.mark.parametrize("named", SPELLINGS)
def test_malicious_bytes_are_refused(tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    for envelope in (archive, stream):
        pathlib.Path("bad.pth").write_bytes(envelope(SPELLINGS[named]))
        with pytest.raises(ValueError) as error:
            torch_files.read("bad.pth")
        assert f"bad.pth names {named}, which" in str(error.value)
        assert "\n" not in str(error.value)
    assert not pathlib.Path("ran").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((0, (5,), (1,)), "reaches beyond"),
        ((3, (2,), (1,)), "reaches beyond"),
        ((-1, (2,), (1,)), "shape"),
        ((0, (2,), (-1,)), "shape"),
        ((0, (10**12,), (0,)), "repeats"),
        ((0, (2, 2), (1,)), "shape"),
    ],
)
def test_a_tensor_cannot_leave_its_storage(tmp_path, arguments, reason):
    offset, shape, strides = arguments
    body = assembler.tensor(assembler.storage(), offset, shape, strides)
    path = tmp_path / "some.pth"
    for envelope in (assembler.archive, assembler.stream):
        path.write_bytes(envelope(body))
        with pytest.raises(ValueError, match=reason):
            torch_files.read(path)


STORAGE = b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI100\ntQ"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
PLAIN = REBUILD + b"(" + STORAGE + b"I0\n(I10\nI10\nt(I10\nI1\nttR"


def with_storage(pickled):
    buffer = io.BytesIO(archive(pickled))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("archive/data/0", np.arange(100, dtype=np.float32).tobytes())
    return buffer.getvalue()


def test_a_tensor_is_no_storage(tmp_path):
    """Its rows would be counted as values, and what lies behind them be read."""
    path = tmp_path / "some.pth"
    path.write_bytes(with_storage(b"(S'a'\n" + PLAIN + b"d."))
    np.testing.assert_array_equal(
        torch_files.read(path)["a"], np.arange(100).reshape(10, 10)
    )
    nested = REBUILD + b"(" + PLAIN + b"I9\n(I91\nt(I1\nttR"
    path.write_bytes(with_storage(b"(S'a'\n" + nested + b"d."))
    with pytest.raises(ValueError, match="something else than a storage"):
        torch_files.read(path)


def test_a_file_cannot_change_what_reads_it(tmp_path):
    """The instruction BUILD sets attributes of anything that a pickle can name."""
    path = tmp_path / "some.pth"
    state = b"(N(S'__defaults__'\n(I1\ntdtb"
    for name in (b"_rebuild_tensor_v2", b"_rebuild_parameter"):
        path.write_bytes(archive(b"ctorch._utils\n" + name + b"\n" + state + b"."))
        with pytest.raises(ValueError, match=r"must be a file of torch\.save"):
            torch_files.read(path)


def test_no_file_and_no_such_format(tmp_path):
    with pytest.raises(ValueError, match=r"absent.pth cannot be read: No such file"):
        torch_files.read(tmp_path / "absent.pth")
    text = tmp_path / "notes.pth"
    text.write_text("learning rate 0.1\n")
    with pytest.raises(ValueError, match=r"notes.pth must be a file of torch.save"):
        torch_files.read(text)
