"""Files of weights, broken at random: byte by byte, by instruction, by member.

    python tests/importers/mutations.py --count=100000

reads so many in a child process of 4 GB and 10 seconds each, and tells what happened.
"""

import argparse
import collections
import io
import itertools
import os
import pathlib
import pickle
import pickletools
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile

import assembler
import numpy as np
import safetensors.numpy

from safefakes_tf.importers import (
    npz_files,
    numpy_files,
    safetensors_files,
    torch_files,
)

DATA = pathlib.Path(__file__).parent / "data"
ROOT = pathlib.Path(__file__).resolve().parents[2]
MEMORY = 4 * 2**30  # bytes of address space
SECONDS = 10
NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1)
ZIP_METHODS = (
    *[zipfile.ZIP_STORED] * 6,
    *(zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA),
)
DIRECTORY = rb"PK\x01\x02|PK\x05\x06"  # each entry of an archive's, and its end
HEADER_BYTES = 46  # of an entry


def _saved(save):
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(3)}
SEEDS = (
    (torch_files.read, (DATA / "archive.pth").read_bytes()),
    (torch_files.read, (DATA / "stream.pth").read_bytes()),
    (torch_files.read, assembler.archive(assembler.tensor(assembler.storage()))),
    (torch_files.read, assembler.stream(assembler.tensor(assembler.storage()))),
    (npz_files.read, _saved(lambda file: np.savez(file, about="{}", **ARRAYS))),
    (npz_files.read, _saved(lambda file: np.savez_compressed(file, **ARRAYS))),
    (safetensors_files.read, safetensors.numpy.save(ARRAYS)),
    (numpy_files.read, pickle.dumps({"block": ARRAYS, "step": 3}, 3)),
    (numpy_files.read, pickle.dumps({"block": ARRAYS, "step": 3}, 4)),
)


# === Mutations ===


def mutated(number):
    """Return a reader and a broken file for it; the same for the same number."""
    draw = random.Random(number)
    reader, content = draw.choice(SEEDS)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice((edit_bytes, _edit_structure))(draw, content)
    return reader, content


def _edit_structure(draw, content):
    if re.search(DIRECTORY, content):
        return draw.choice((_edit_members, _edit_directory))(draw, content)
    return _edit_pickles(draw, content)


def edit_bytes(draw, content):
    content = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        place = draw.randrange(len(content) + 1)
        end = place + draw.choice((1, 1, 4, 100))
        content[place:end] = draw.choice(
            (
                b"",
                draw.randbytes(end - place),
                content[place:end] * draw.choice((2, 1000)),
                draw.choice(NUMBERS).to_bytes(8, "little")[: draw.choice((1, 2, 4, 8))],
            )
        )
    return bytes(content)


def _instructions(content):
    """Return the instructions of the pickles that come first, and the bytes behind."""
    file, ends = io.BytesIO(content), [0]
    try:
        while True:
            ends += [file.tell() for _ in pickletools.genops(file)]
    except Exception:  # of any kind, where no pickle is any more
        parts = [content[start:end] for start, end in itertools.pairwise(ends)]
        return parts, content[ends[-1] :]


def _all_instructions():
    """Return those of the seeds, and each that there is with an argument of zeros."""
    bank = [opcode.code.encode("latin-1") + bytes(4) for opcode in pickletools.opcodes]
    for _, content in SEEDS:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [n for n in archive.namelist() if n.endswith("data.pkl")]
                content = archive.read(names[0]) if names else b""
        bank += _instructions(content)[0]
    return sorted(set(bank))


BANK = _all_instructions()


def _edit_pickles(draw, content):
    parts, rest = _instructions(content)
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        place = draw.randrange(len(parts) + 1)
        end = place + draw.choice((0, 0, 1, 1, 8))
        parts[place:end] = draw.choice(
            (
                [],
                [draw.choice(BANK)],
                draw.choices(BANK, k=4),
                parts[place:end] * draw.choice((2, 1000)),
                parts[end:place:-1],
                [assembler.whole(draw.choice(NUMBERS) * draw.choice((1, -1)))],
            )
        )
    return b"".join(parts) + rest


def _edit_members(draw, content):
    """Pack an archive anew, with one of its members changed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [[n, archive.read(n)] for n in archive.namelist()]
    except Exception:  # of any kind, for it may be broken already
        return edit_bytes(draw, content)
    if not members:
        return content
    # The pickle as often as all others.
    member = next((m for m in members if m[0].endswith("data.pkl")), members[0])
    member = draw.choice((member, draw.choice(members)))
    match draw.randrange(6):
        case 0 | 1:
            member[1] = _edit_pickles(draw, member[1])
        case 2:
            member[1] = edit_bytes(draw, member[1])
        case 3:
            members.remove(member)
        case 4:
            member[0] = draw.choice(members)[0]
        case 5:
            members.append([draw.choice(("archive/data/9", "data.pkl")), member[1]])
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members of one name
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, member_content in members:
                method = draw.choice(ZIP_METHODS) if name == member[0] else None
                archive.writestr(name or "x", member_content, method)
    return buffer.getvalue()


def _edit_directory(draw, content):
    """Overwrite a number in the directory of an archive."""
    entries = [
        match.start() for match in re.finditer(rb"PK\x01\x02|PK\x05\x06", content)
    ]
    place = draw.choice(entries or [0]) + draw.randrange(4, HEADER_BYTES)
    size = draw.choice((1, 2, 4))
    number = draw.choice(NUMBERS).to_bytes(8, "little")[:size]
    return content[:place] + number + content[place + size :]


# === Reading ===


def outcome(number, path):
    """Read a file in its place; return 'read', 'refused', or what else happened."""
    reader, content = mutated(number)
    path.write_bytes(content)
    try:
        reader(path)
        return "read"
    except ValueError as error:
        line = str(error)
        return "refused" if line.isprintable() else f"lines: {line!r}"
    except BaseException as error:
        return f"trace: {error!r}"


def read_in_this_process(start, stop):
    """Print a line for each file; any that takes too long ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(start, stop):
            signal.alarm(SECONDS)
            print(outcome(number, pathlib.Path(folder, "some")), flush=True)
            signal.alarm(0)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{used // 1024} MB", file=sys.stderr)


def read_in_children(count, start=0):
    """Return how many files had each outcome, and the numbers of those that failed."""
    outcomes, failed = collections.Counter(), {}
    number = start
    while number < start + count:
        command = [sys.executable, __file__, f"--start={number}", "--here"]
        command.append(f"--count={start + count - number}")
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for line in child.stdout:
            result = line.strip()
            outcomes[result.split(":")[0]] += 1
            if result not in ("read", "refused"):
                failed[number] = result
            number += 1
        if (code := child.wait()) > 0:
            raise SystemExit(f"the mutations themselves failed at {number}")
        if code:
            failed[number] = f"ended: {code}"
            outcomes["ended"] += 1
            number += 1
    return outcomes, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--start", type=int, default=0, help="number of the first")
    parser.add_argument("--here", action="store_true", help="without a child process")
    flags = parser.parse_args()
    if flags.here:
        read_in_this_process(flags.start, flags.start + flags.count)
    else:
        print(*read_in_children(flags.count, flags.start), sep="\n")


if __name__ == "__main__":
    main()
