"""Checkpoints that once did harm while they were read."""

import io
import struct
import zipfile

import assembler
import ml_dtypes
import numpy as np
import pytest
from assembler import call, mapping, name, row, storage, tensor, text, whole

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.importers import torch_files

VALUES = np.frombuffer(assembler.FLOATS, "<f4")
ORDERED_DICT = name("collections", "OrderedDict")
SIZE = name("torch", "Size")
REBUILD = name("torch._utils", "_rebuild_tensor_v2")


@pytest.fixture(params=[assembler.archive, assembler.stream], ids=["zip", "stream"])
def read(request, tmp_path):
    """A function that reads what a pickle makes, in both formats."""

    def write_and_read(body, storages=None, **options):
        path = tmp_path / "some.pth"
        path.write_bytes(request.param(body, storages))
        return torch_files.read(path, **options)

    return write_and_read


def refusal(read, *arguments, **options):
    """Return the one line in which a file is refused."""
    with pytest.raises(ValueError) as error:
        read(*arguments, **options)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600
    return str(error.value)


# === BUILD ===


def test_no_state_is_set_of_a_storage(read):
    """Memory was freed that a tensor went on to show."""
    kind = name("torch", "ByteStorage")
    state = row(whole(1), row(whole(4)), kind, b"\x89", b"C\4ABCD")
    body = row(storage(kind="ByteStorage", size=16) + b"q\0" + state + b"b")
    assert "attributes are set" in refusal(read, body + tensor(b"h\0") + b"\x86")


@pytest.mark.parametrize("kind", ["BFloat16Storage", "FloatStorage"])
def test_no_state_is_set_of_a_type(read, kind):
    """The size of bfloat16 was changed for the whole process."""
    before = np.dtype(ml_dtypes.bfloat16).itemsize
    same = map(whole, (before, 1, 0))
    state = row(whole(3), text("|"), b"NNN", *same)
    assert "attributes are set" in refusal(read, name("torch", kind) + state + b"b")


def test_no_state_is_set_of_a_container_or_a_function(read):
    for target in (b"]", b"}", REBUILD):
        assert "attributes are set" in refusal(read, target + mapping(a=b"N") + b"b")


def test_a_state_dict_is_read_without_its_attributes(read):
    """PyTorch sets the versions of modules as an attribute of the dict."""
    body = call(ORDERED_DICT) + text("a") + tensor(storage())
    tree = read(body + b"s" + mapping(_metadata=b"}") + b"b")
    np.testing.assert_array_equal(tree["a"], VALUES)


def test_a_state_dict_of_python_2_is_read(read):
    key = b"U\x02\xc3\xa4"
    body = call(ORDERED_DICT, b"](](" + key + tensor(storage()) + b"ee")
    np.testing.assert_array_equal(read(body)["ä"], VALUES)


# === REDUCE ===


@pytest.mark.parametrize("function", [b"]", b"N", storage(), tensor(storage())])
def test_only_names_are_called(read, function):
    assert "a call of something that has no name" in refusal(read, function + b")R")


def test_a_type_is_not_called(read):
    refusal(read, name("torch", "FloatStorage") + b")R")


@pytest.mark.parametrize(
    "call", [b"(itorch\nSize\n", b"(ctorch\nSize\no", b"ctorch\nSize\n)\x81"]
)
def test_other_spellings_of_a_call_are_refused(read, call):
    assert "which a file of weights has no use for" in refusal(read, call)


def test_a_name_is_told_in_one_line(read):
    module = b"\x8c\x0ebad\n\x1b[31mname\t"
    assert r"bad\n\x1b[31mname\t.x," in refusal(read, module + b"\x8c\1x\x93")


# === Depth, and many names for one thing ===


def test_deep_nesting_is_refused(read):
    """A tuple 200,000 deep, as a key, ended the process."""
    for deep in (b")" + b"\x85" * 200_000, b"]" * 200_000 + b"a" * 199_999):
        assert "a key is" in refusal(read, b"}" + deep + b"Ns")
        assert "deep" in refusal(read, deep)


@pytest.mark.parametrize("held", [b"]q\0h\0a", b"}q\0" + text("a") + b"h\0s"])
def test_a_container_that_holds_itself_is_refused(read, held):
    assert "deep" in refusal(read, held)


DOUBLED = {
    "lists": b"]q\0" + b"](h\0h\0eq\0" * 40,
    "tuples": b")q\0" + b"h\0h\0\x86q\0" * 40,
}
USES = {
    "value": b"h\0",
    "key": b"}h\0Ns",
    "size": call(SIZE, b"h\0"),
    "pairs": call(ORDERED_DICT, b"h\0"),
    "kind of an object": row(*[b"h\0"] * 5) + b"Q",
    "key of a storage": row(
        *(text("storage"), name("torch", "FloatStorage"), b"h\0", b"N", whole(4))
    )
    + b"Q",
    "shape": call(REBUILD, storage(), whole(0), b"h\0", b"h\0"),
    "shape's entry": call(REBUILD, storage(), whole(0), row(b"h\0"), row(b"h\0")),
    "function": b"h\0)R",
    "name": b"h\0h\0\x93",
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("doubled", DOUBLED)
def test_lists_that_name_one_list_twice_are_refused(read, doubled, use):
    """668 bytes took two to the power of their nesting."""
    refusal(read, b"(" + DOUBLED[doubled] + USES[use] + b"l")


def test_work_is_bounded_by_instructions(read):
    assert "instructions" in refusal(read, b"(" + b"N" * 10**6 + b"l")
    # Each call walks through all pairs of one list.
    pairs = ORDERED_DICT + b"q\0](" + b"K\1N\x86" * 1000 + b"eq\1"
    calls = b"h\0h\1\x85R" * 10_000
    assert "instructions" in refusal(read, b"(" + pairs + calls + b"l")


def test_numbers_with_one_hash_are_no_keys(read):
    """As many as a pickle holds, they would take the square of that in time."""
    same_hash = 2**61 - 1
    assert "a key is" in refusal(read, b"}" + whole(same_hash * 2**60) + b"Ns")
    assert "memo" in refusal(read, b"Np" + str(same_hash).encode() + b"\n")
    assert "too large" in refusal(read, whole(1 << 200))


# === Memory ===


def test_tensors_of_one_storage_share_its_memory(read):
    body = b"](" + b"".join(tensor(storage()) for _ in range(200)) + b"e"
    tensors = read(body)
    assert all(np.shares_memory(tensors[0], other) for other in tensors)
    assert not any(array.flags.writeable or array.flags.owndata for array in tensors)
    with pytest.raises(ValueError):
        tensors[0].flags.writeable = True


@pytest.mark.parametrize("size", [3, 5, 10**9, 2**62, -1, 10**30, 2.0, "4"])
def test_a_storage_has_the_size_that_is_told(read, size):
    size = whole(size)
    kind = name("torch", "FloatStorage")
    part = row(text("storage"), kind, text("0"), text("cpu"), size) + b"Q"
    refusal(read, tensor(part, shape=(2,)))


@pytest.mark.parametrize(
    "other", [storage("IntStorage"), storage(size=3), storage("DoubleStorage", size=2)]
)
def test_a_storage_has_one_type_and_size(read, other):
    body = row(tensor(storage()), tensor(other, shape=(2,)))
    assert "a storage has two types" in refusal(read, body)


def test_all_storages_together_are_under_the_limit(read):
    two = row(tensor(storage()), tensor(storage(key="1")))
    content = {"0": assembler.FLOATS, "1": assembler.FLOATS}
    assert len(read(two, content)) == 2
    assert "max_gb is 3e-08" in refusal(read, two, content, max_gb=30e-9)


def test_bfloat16_counts_by_what_it_becomes(read):
    body = tensor(storage("BFloat16Storage", size=8), shape=(8,))
    limit = 31e-9
    assert "max_gb" in refusal(read, body, {"0": bytes(16)}, max_gb=limit)


# === Archives ===


@pytest.fixture
def archive(tmp_path):
    """A function that writes an archive and returns how to read it."""
    path = tmp_path / "some.pth"

    def write(content):
        path.write_bytes(content)
        return lambda **options: torch_files.read(path, **options)

    return write


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(archive, method):
    content = assembler.archive(tensor(storage()), {"0": bytes(10**7)}, method)
    assert len(content) < 20_000
    assert "must be stored" in refusal(archive(content))


def test_members_larger_than_the_limit_are_refused_unread(archive):
    content = assembler.archive(tensor(storage()))
    six_gb = struct.pack("<LL", 2**32 - 2, 2**32 - 2)
    lying = assembler.edited_directory(content, b"archive/data/0", 20, six_gb)
    assert "its arrays take 4.29 GB; max_gb is 4" in refusal(archive(lying))
    assert "more bytes than the file has" in refusal(archive(lying), max_gb=5)


def test_members_that_lie_about_their_size_are_refused(archive):
    content = assembler.archive(tensor(storage()))
    lying = assembler.edited_directory(
        content, b"archive/data/0", 20, struct.pack("<LL", 16, 20)
    )
    assert "two sizes differ" in refusal(archive(lying))


def test_members_in_one_place_are_refused(archive):
    """Each of many names would be filled from the same bytes."""
    names = [str(n) for n in range(50)]
    parts = b"".join(tensor(storage(key=n, size=10_000)) for n in names)
    content = assembler.archive(
        b"(" + parts + b"l", {n: bytes(40_000) if n == "0" else b"" for n in names}
    )
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        first = file.getinfo("archive/data/0").header_offset
    for n in names[1:]:
        member = f"archive/data/{n}".encode() + b"PK"
        sizes = struct.pack("<LL", 40_000, 40_000)
        if member in content:
            content = assembler.edited_directory(content, member, 20, sizes)
            content = assembler.edited_directory(
                content, member, 42, struct.pack("<L", first)
            )
    assert "more bytes than the file has" in refusal(archive(content))


def test_a_pickle_of_many_bytes_is_refused(archive):
    content = assembler.archive(text("x" * (2**24 + 1)))
    assert "over 16,777,216 bytes" in refusal(archive(content))


def test_a_directory_of_many_bytes_is_refused(archive):
    """An entry takes ten times as much memory as bytes of the file."""
    buffer = io.BytesIO(assembler.archive(tensor(storage())))
    with zipfile.ZipFile(buffer, "a") as file:
        for number in range(300):
            member = zipfile.ZipInfo(f"archive/{number}")
            member.comment = bytes(60_000)
            file.writestr(member, b"")
    assert "over 16,777,216 bytes" in refusal(archive(buffer.getvalue()))


def test_a_storage_that_is_not_there_is_refused(archive):
    body = tensor(storage(key="7"))
    assert "no item named" in refusal(archive(assembler.archive(body)))
    assert "are not those" in refusal(archive(assembler.stream(body)))


# === Generators' files ===


def test_a_generator_larger_than_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "some.npz"
    np.savez(path, about="{}", a=np.zeros(4, np.float32))
    content = path.read_bytes()
    large = struct.pack("<LL", 2**32 - 2, 2**32 - 2)
    path.write_bytes(assembler.edited_directory(content, b"a.npy", 20, large))
    with pytest.raises(ValueError, match=r"arrays take 4.29 GB; max_gb is 4"):
        generator_files.read_about(path)


def test_a_generator_whose_header_lies_is_refused_unread(tmp_path):
    path = tmp_path / "some.npz"
    np.savez(path, about="{}", a=np.zeros((1, 1000), np.float32))
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name_, content in members.items():
            file.writestr(name_, content.replace(b"(1, 1000)", b"(9000,1000,1000)"))
    with pytest.raises(ValueError, match=r"a.npy tells of an array of 36000000000 b"):
        generator_files.read_about(path)
