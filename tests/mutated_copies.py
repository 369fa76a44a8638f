"""Made-up copies of PIPA, FDF and CelebA, broken at random.

    python tests/mutated_copies.py --count=300

reads so many, and tells what happened. Whatever is in a copy, its records come out
valid, or there is a `ValueError` of one line, within seconds; and nothing that a file
names is run, read or written.
"""

import argparse
import collections
import pathlib
import random
import shutil
import signal
import tempfile

import fake_keypoints
import made_up_copies
import numpy as np

from safefakes_tf import faces
from safefakes_tf.config import CelebaConfig, DataConfig
from tfds_builders import registry as builders

SECONDS = 60
NUMBERS = (
    *(b"0", b"-1", b"nan", b"NaN", b"inf", b"1e999", b"2147483648", b"-2147483649"),
    *(b"9223372036854775808", b"9" * 5000, b"1.5", b"0x10", b"", b"\xc2\xb2", b"1_0"),
)
NAMES = (
    *(b"../outside.jpg", b"/etc/passwd", b"a/../../outside.jpg", b"", b"con", b"\x00"),
    *(b"." * 300, b"000001.jpg", b"1", b"../1", b'"1"', b"..\\outside.jpg"),
)
CODE = b"\x80\x02cposix\nsystem\nX\x0c\x00\x00\x00touch CANARY\x85R."


def write_copies(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Write a whole copy of each data set, with all the files it may have."""
    copies = {
        name: getattr(made_up_copies, name)(folder / name)
        for name in ("pipa", "fdf", "celeba")
    }
    boxes = np.tile([34, 30, 94, 106], [6, 1])
    (copies["fdf"] / "bounding_box").mkdir()
    path = copies["fdf"] / "bounding_box" / "128.torch"
    path.write_bytes(made_up_copies.torch_tensor(boxes))
    np.save(copies["fdf"] / "landmarks.npy", np.full([6, 14], 0.5, np.float32))
    return copies


# === What breaks a file ===


def _cut(draw, content):
    return content[: draw.randrange(len(content) + 1)]


def _flip(draw, content):
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _lines(draw, content):
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    kind = draw.choice(("drop", "double", "swap", "join"))
    if kind == "drop":
        del lines[place]
    elif kind == "double":
        lines.insert(place, lines[place])
    elif kind == "swap":
        other = draw.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place : place + 2] = [b" ".join(lines[place : place + 2])]
    return b"\n".join(lines)


def _words(draw, content):
    """Replace a word, be it of a table or of JSON."""
    for separator in draw.sample([b" ", b",", b":", b"\n"], 4):
        words = content.split(separator)
        if len(words) > 1:
            words[draw.randrange(len(words))] = draw.choice(NUMBERS + NAMES)
            return separator.join(words)
    return draw.choice(NUMBERS)


def _encoding(draw, content):
    text = content.decode("latin-1")
    return draw.choice(
        (
            text.encode("utf-16"),
            b"\xef\xbb\xbf" + content,
            content.replace(b"0", b"\xe9", 1),
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\x00"),
        )
    )


def _replaced(draw, content):
    nested = b'{"0":' * 20_000
    return draw.choice((b"", b"\n\n", CODE, b"{}", b"[]", b'{"0": null}', nested))


BREAKS = (_cut, _flip, _lines, _words, _words, _encoding, _replaced)


def broken(number: int, copies: dict, folder: pathlib.Path) -> tuple[str, pathlib.Path]:
    """Write variant `number` into a folder, and return data set and place."""
    draw = random.Random(number)
    name = draw.choice(sorted(copies))
    copy = folder / "copy"
    shutil.copytree(copies[name], copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    tables = [path for path in files if path.suffix not in (".jpg", ".png")]
    for _ in range(draw.choice((1, 1, 2))):
        # A photo now and then; what is read as text or numbers most of the time.
        path = draw.choice(tables if draw.random() < 0.9 else files)
        if path.is_file() and draw.random() < 0.04:
            path.unlink()
            if draw.random() < 0.5:
                path.mkdir()
        elif path.is_file():
            content = path.read_bytes()
            path.write_bytes(draw.choice(BREAKS)(draw, content))
    return name, copy


# === What happens ===


def outcome(name: str, copy: pathlib.Path, data_dir: pathlib.Path) -> str:
    """Read all records of a copy; return `records`, or the words of its error.

    Raises:
        Exception: other than a `ValueError` of one line.
    """
    data = DataConfig(
        dataset=name,
        data_dir=str(data_dir),
        manual_dir=str(copy),
        allow_partial=True,
        celeba=CelebaConfig(identities=1),
    )
    builder = builders.create_source_builder(data)
    builder.create_detector = fake_keypoints.FakeDetector
    try:
        builder.raw_digest(copy)
        for records in builder.source_examples(None).values():
            for record in records:
                faces.validate_faces(record)
    except ValueError as error:
        if "\n" in str(error):
            raise
        return str(error)
    return "records"


def read(numbers: range) -> collections.Counter:
    """Read variants; return how often there were records, and errors.

    Raises:
        AssertionError: with the number of a variant that did anything else.
    """
    signal.signal(signal.SIGALRM, _stop)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        copies = write_copies(folder / "whole")
        (folder / "outside.jpg").write_bytes(b"not to be read")
        for number in numbers:
            place = folder / "variant"
            dataset, copy = broken(number, copies, place)
            before = _contents(folder)
            signal.alarm(SECONDS)
            try:
                told = outcome(dataset, copy, place / "data")
            except BaseException as error:
                raise AssertionError(f"variant {number} of {dataset}") from error
            finally:
                signal.alarm(0)
            assert "not to be read" not in told
            assert _contents(folder) == before, f"variant {number} wrote something"
            counts["records" if told == "records" else "error"] += 1
            shutil.rmtree(place)
    assert not pathlib.Path("CANARY").exists()
    return counts


def _stop(*_):
    raise TimeoutError(f"more than {SECONDS} seconds")


def _contents(folder):
    return {path: path.lstat().st_size for path in folder.rglob("*") if path.is_file()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    print(dict(read(range(parser.parse_args().count))))


if __name__ == "__main__":
    main()
