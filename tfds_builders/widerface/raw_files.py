"""Where the files of WIDER FACE lie: unpacked, as zips, or to be downloaded."""

import hashlib
import os
import pathlib
import textwrap
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow_datasets as tfds

from safefakes_tf.photos.box_files.wider import TEXTS
from safefakes_tf.photos.box_files.wider_mat import LISTS
from tfds_builders import raw_data

PAGE = "http://shuoyang1213.me/WIDERFACE/"
DRIVE = "https://drive.google.com/uc?export=download&id="
URLS = {
    "WIDER_train": DRIVE + "15hGDLhsx8bLgLcIRD5DhYt5iBxnjNF1M",
    "WIDER_val": DRIVE + "1GUCogbp16PMGa39thoMMeWxp7Rp5oM8Q",
    "WIDER_test": DRIVE + "1HIfDbVEWKmsYKJZm4lchTBDLW5N7dY5T",
    "wider_face_split": DRIVE + "1sAl2oml7hK6aZRdgRjqQJsjV5CEr7nl4",
}
_LIST_FOLDERS = ("", "wider_face_split", "eval_tools/ground_truth", "ground_truth")
_BROKEN = (
    tfds.download.download_manager.NonMatchingChecksumError,
    tfds.download.extractor.ExtractError,
)
_MOST_LETTERS = 200  # of why a download failed
_EVAL_TOOLS = ("eval_tools", "ground_truth")
ARCHIVES = tuple(f"{name}.zip" for name in (*URLS, "eval_tools"))


class RawFiles(NamedTuple):
    """The parts of WIDER FACE that are here.

    Attributes:
        photos: per part `train`, `val`, `test`, its folder of event folders.
        annotations: folder of the text files.
        difficulties: the .mat file per difficulty; none if all of them are absent.
    """

    photos: dict[str, pathlib.Path]
    annotations: pathlib.Path
    difficulties: dict[str, pathlib.Path]


def find(dl_manager: tfds.download.DownloadManager, raw_dir: str | None) -> RawFiles:
    """Find the files in the manual folder, or download those that can be.

    Args:
        dl_manager: unpacks and downloads, checking checksums.
        raw_dir: folder that the user named; None: TFDS' own manual folder, where
            whatever it has of WIDER FACE is taken instead of a download.

    Raises:
        ValueError: if a folder or file is not there, or cannot be downloaded; tells
            what to put where.
    """
    if raw_dir:
        content = "WIDER_train, WIDER_val and wider_face_split, or their zips"
        folder = raw_data.existing_folder(dl_manager, raw_dir, content)
    else:
        folder = raw_data.standard_folder(dl_manager.download_dir)
    difficulties = _find_difficulties(dl_manager, folder)
    parts = {part: _find_part(dl_manager, folder, part) for part in URLS}
    if not (raw_dir or any(parts.values())):
        parts = _downloaded(dl_manager)
    annotations = parts.pop("wider_face_split")
    if annotations is None:
        raise ValueError(
            f"wider_face_split is not in {folder}; put that folder there, or "
            "wider_face_split.zip"
        )
    photos = {
        part.removeprefix("WIDER_"): path / "images"
        for part, path in parts.items()
        if path
    }
    return RawFiles(photos, annotations, difficulties)


def _downloaded(dl_manager):
    """Return the folder of each part, downloaded and unpacked."""
    try:
        unpacked = dl_manager.download_and_extract(URLS)
    # No connection, a page instead of the file, another file, a cut one.
    except (OSError, ValueError, tfds.download.DownloadError, *_BROKEN) as error:
        archives = ", ".join(f"{part}.zip" for part in URLS)
        reason = textwrap.shorten(str(error), _MOST_LETTERS, placeholder="...")
        raise ValueError(
            f"WIDER FACE cannot be downloaded ({reason}); put {archives} from {PAGE} "
            "into a folder, and name it with --manual_dir"
        ) from error
    return {part: pathlib.Path(path) / part for part, path in unpacked.items()}


def digest(folder: pathlib.Path) -> str | None:
    """Return a SHA-256 of what a folder has of WIDER FACE, unpacked or as zips.

    Annotations enter with the checksums of their bytes, photos with names and sizes
    only: that takes no second, and two copies with other photos differ in it.

    Returns:
        Hex digits; None if there is nothing of WIDER FACE in the folder.
    """
    found = set()
    for path, size, checksum in _files(folder):
        *parents, name = path.split("/")
        if name in (*TEXTS.values(), *LISTS.values()):
            found.add(f"{name} {checksum()}")
        elif "images" in parents and not name.startswith("."):
            found.add(f"{path} {size}")
    if not found:
        return None
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def _files(folder) -> Iterator[tuple[str, int, Callable[[], int]]]:
    """Yield path below the folder, size, and how to get the CRC-32 of its files."""
    paths = [folder / name for name in LISTS.values()]
    for part in (*URLS, *_EVAL_TOOLS):
        if (folder / part).is_dir():
            for parent, _, names in os.walk(folder / part, followlinks=True):
                paths += [pathlib.Path(parent, name) for name in names]
        elif (folder / f"{part}.zip").is_file():
            yield from _zipped(folder / f"{part}.zip")
    for path in filter(pathlib.Path.is_file, paths):
        name, size = path.relative_to(folder).as_posix(), path.stat().st_size
        yield name, size, lambda path=path: zlib.crc32(path.read_bytes())


def _zipped(path):
    _check_zip(path)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield entry.filename, entry.file_size, lambda entry=entry: entry.CRC


def _check_zip(path):
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no zip, or cut short; copy or download it again")


def _find_part(dl_manager, folder, part):
    # "Extract all" of some systems puts each archive into a folder of its name.
    # Who moved what was in it may have left it there, empty.
    inner, outer = folder / part / part, folder / part
    if inner.is_dir() and any(inner.iterdir()):
        return inner
    if outer.is_dir():
        return outer
    unpacked = _unpacked(dl_manager, folder / f"{part}.zip")
    return unpacked and unpacked / part


def _unpacked(dl_manager, path):
    """Return the folder that a zip is unpacked to; None if there is no such zip."""
    if not path.is_file():
        return None
    _check_zip(path)
    return pathlib.Path(dl_manager.extract(path))


def _find_difficulties(dl_manager, folder):
    roots = filter(None, (folder, _unpacked(dl_manager, folder / "eval_tools.zip")))
    places = [root / sub for root in roots for sub in _LIST_FOLDERS]
    found = {
        difficulty: next(filter(pathlib.Path.is_file, (p / name for p in places)), None)
        for difficulty, name in LISTS.items()
    }
    absent = [LISTS[difficulty] for difficulty, path in found.items() if path is None]
    if absent and any(found.values()):
        raise ValueError(
            f"{absent[0]} is not in {folder}, but others of its kind are; put "
            "eval_tools.zip of the WIDER FACE page there, or its folder eval_tools (no "
            "checksum of it is known, so it is not downloaded)"
        )
    return {} if absent else found
