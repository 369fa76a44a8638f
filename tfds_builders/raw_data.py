"""Raw photos and annotations in a user's folder: where they lie, and what they say."""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator

import tensorflow_datasets as tfds

from safefakes_tf import locks

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")


# === Folders ===


def standard_folder(download_dir: str | os.PathLike) -> pathlib.Path:
    """Return TFDS' own folder of what users put there, given that of downloads."""
    return pathlib.Path(download_dir) / "manual"


def named_folder(dl_manager: tfds.download.DownloadManager) -> str | None:
    """Return the folder that a user of TFDS named; None if it is its own default."""
    try:
        folder = pathlib.Path(dl_manager.manual_dir)
    except AssertionError:  # it is absent or empty
        return None
    standard = standard_folder(dl_manager.download_dir)
    return None if folder == standard else str(folder)


def existing_folder(
    dl_manager: tfds.download.DownloadManager, raw_dir: str | None, content: str
) -> pathlib.Path:
    """Return the folder of raw data.

    Args:
        dl_manager: knows TFDS' own manual folder.
        raw_dir: folder that the user named; None: TFDS' own.
        content: what should be in it, for the message.

    Raises:
        ValueError: if it is not there.
    """
    folder = pathlib.Path(raw_dir or standard_folder(dl_manager.download_dir))
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}; name with --manual_dir the one that holds "
            f"{content}"
        )
    return folder


@contextlib.contextmanager
def unpacking(
    dl_manager: tfds.download.DownloadManager, name: str, archives: Iterable[str]
) -> Iterator[None]:
    """Let one process at a time download and unpack the archives of a data set.

    What a killed one left half done is removed before: TFDS would leave it there, and
    begin another.

    Args:
        dl_manager: knows the folders.
        name: of the data set.
        archives: names of the zips that a user may have.
    """
    downloads = pathlib.Path(dl_manager.download_dir)
    folder = downloads / name
    folder.mkdir(parents=True, exist_ok=True)
    with locks.alone_in(folder, wait=True):
        ends = tuple(f"_ZIP.{zipped}" for zipped in (*archives, *os.listdir(folder)))
        begun = (downloads / "extracted").glob("incomplete.*")
        unpacked = [path for path in begun if path.name.endswith(ends)]
        for leftover in (*folder.glob("*.tmp.*"), *unpacked):
            shutil.rmtree(leftover)
        yield


def find(folder: pathlib.Path, places: Iterable[str]) -> pathlib.Path | None:
    """Return the first of several paths below a folder that is there."""
    return next((folder / place for place in places if (folder / place).exists()), None)


def require(folder: pathlib.Path, places: Iterable[str]) -> pathlib.Path:
    """Return as `find`.

    Raises:
        ValueError: naming the first place if nothing is at any.
    """
    places = tuple(places)
    found = find(folder, places)
    if found is None:
        others = f" (nor {', '.join(places[1:])})" * (len(places) > 1)
        raise ValueError(
            f"{places[0]} is not in {folder}{others}; put it there, or name another "
            "folder with --manual_dir"
        )
    return found


def file_names(folder: pathlib.Path) -> set[str]:
    """Return the names of the files in a folder; none if there is no such folder."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def refuse_missing(missing: list[str], total: int, folder: pathlib.Path) -> None:
    """Raise a ValueError if photos that the annotations list are not there.

    Args:
        missing: their paths.
        total: number of listed photos.
        folder: in which they should be.
    """
    if missing:
        raise ValueError(
            f"{len(missing)} of {total} photos are missing in {folder}, e.g. "
            f"{missing[0]}; copy them, or accept a partial copy with "
            "--set=data.allow_partial=true"
        )


def digest(
    annotations: Iterable[pathlib.Path], photos: Iterable[pathlib.Path]
) -> str | None:
    """Return a SHA-256 of raw data; None if there are none.

    Args:
        annotations: files; they enter with the checksums of their bytes.
        photos: folders; what is called *.jpg in them enters with names and sizes only.
    """
    found = [
        f"{path.name} {zlib.crc32(path.read_bytes())}"
        for path in annotations
        if path.is_file()
    ]
    for folder in photos:
        with os.scandir(folder) as entries:
            found += [
                f"{folder.name}/{entry.name} {entry.stat().st_size}"
                for entry in entries
                if entry.is_file() and entry.name.endswith(".jpg")
            ]
    if not found:
        return None
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


# === Lines of text ===


def read_lines(path: pathlib.Path) -> list[str]:
    """Return the lines of a text file, without what ends them.

    Raises:
        ValueError: with the line number, if it is not UTF-8, or cannot be read.
    """
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise malformed(path, number, "UTF-8 text", error.reason) from error


def whole_numbers(
    words: list[str], path: pathlib.Path, line: int, low: int, high: int
) -> list[int]:
    """Return the numbers that words of a line spell.

    Raises:
        ValueError: with the line number, if one is none, or not from `low` to `high`.
    """
    expected = f"whole numbers from {low} to {high}"
    for word in words:
        if not WHOLE_NUMBER.fullmatch(word) or not low <= int(word) <= high:
            raise malformed(path, line, expected, word)
    return [int(word) for word in words]


def malformed(path: pathlib.Path, line: int, expected: str, came: str) -> ValueError:
    """Return the error of a line that is not as it should be."""
    return ValueError(
        f"{path}, line {line}: expected {expected}; got {came.strip()[:80]!r}; copy "
        "the file again"
    )
