"""The folder of files that were fetched once, and their digests."""

import hashlib
import os
import pathlib


def folder() -> pathlib.Path:
    """Return `$SAFEFAKES_CACHE`, else `~/.cache/safefakes`."""
    named = os.environ.get("SAFEFAKES_CACHE") or "~/.cache/safefakes"
    return pathlib.Path(os.path.expanduser(named))


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
