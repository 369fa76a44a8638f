"""Where the files of WIDER FACE lie: unpacked, as zips, or to be downloaded."""

import pathlib
from typing import NamedTuple

import tensorflow_datasets as tfds

DRIVE = "https://drive.google.com/uc?export=download&id="
URLS = {
    "WIDER_train": DRIVE + "15hGDLhsx8bLgLcIRD5DhYt5iBxnjNF1M",
    "WIDER_val": DRIVE + "1GUCogbp16PMGa39thoMMeWxp7Rp5oM8Q",
    "WIDER_test": DRIVE + "1HIfDbVEWKmsYKJZm4lchTBDLW5N7dY5T",
    "wider_face_split": DRIVE + "1sAl2oml7hK6aZRdgRjqQJsjV5CEr7nl4",
}
DIFFICULTIES = ("easy", "medium", "hard")
_DIFFICULTY_FOLDERS = (
    "",
    "wider_face_split",
    "eval_tools/ground_truth",
    "ground_truth",
)


class RawFiles(NamedTuple):
    """The parts of WIDER FACE that are here.

    Attributes:
        photos: per part `train`, `val`, `test`, its folder of event folders.
        annotations: folder of the text files.
        difficulties: the .mat file per difficulty.
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
        ValueError: if a folder or file is not there; tells what to put where.
    """
    folder = pathlib.Path(raw_dir) if raw_dir else _standard_folder(dl_manager)
    if raw_dir and not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}; name with --manual_dir the one that holds "
            "WIDER_train, WIDER_val and wider_face_split, or their zips"
        )
    difficulties = _find_difficulties(dl_manager, folder)
    if raw_dir or any(_find_part(dl_manager, folder, part) for part in URLS):
        parts = {part: _find_part(dl_manager, folder, part) for part in URLS}
    else:
        unpacked = dl_manager.download_and_extract(URLS)
        parts = {part: pathlib.Path(path) / part for part, path in unpacked.items()}
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


def _standard_folder(dl_manager):
    try:
        return pathlib.Path(dl_manager.manual_dir)
    except AssertionError:  # it is absent or empty
        return pathlib.Path(dl_manager.download_dir) / "manual"


def _find_part(dl_manager, folder, part):
    if (folder / part).is_dir():
        return folder / part
    if (folder / f"{part}.zip").is_file():
        return pathlib.Path(dl_manager.extract(folder / f"{part}.zip")) / part
    return None


def _find_difficulties(dl_manager, folder):
    roots = [folder]
    if (folder / "eval_tools.zip").is_file():
        roots.append(pathlib.Path(dl_manager.extract(folder / "eval_tools.zip")))
    found = {}
    for difficulty in DIFFICULTIES:
        name = f"wider_{difficulty}_val.mat"
        places = [root / sub / name for root in roots for sub in _DIFFICULTY_FOLDERS]
        found[difficulty] = next((path for path in places if path.is_file()), None)
        if found[difficulty] is None:
            raise ValueError(
                f"{name} is not in {folder}; put eval_tools.zip of the WIDER FACE page "
                "there, or its folder eval_tools (no checksum of it is known, so it is "
                "not downloaded)"
            )
    return found
