"""Recognises what people have instead of a file of weights, most often by a download.

Readers of weights would tell of it as of a broken file.
"""

import os
import pathlib
import re

HEAD = 512  # bytes
SIGNS = {
    rb"version https://git-lfs": "a git-lfs pointer, which stands for the file; fetch "
    "that with git lfs pull, or download it from the page of the repository",
    rb"\s*<(!doctype|html|head|\?xml)": "a web page, which a link gives that asks "
    "first or has expired; open it in a browser and download the file itself",
    rb'\s*(\{\s*"|\[\s*[{"])': "JSON text, as a server tells of an error; download the "
    "file again",
    rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ": "a compressed archive; unpack it, and "
    "name the file in it",
    rb"(?s).{257}ustar": "an archive; unpack it, and name the file in it",
}


def check(path: str | os.PathLike, content: bytes | None = None) -> None:
    """Refuse a file that is plainly something else than weights.

    Args:
        path: of the file; if it cannot be read, its reader will tell.
        content: its bytes, if they are known already.

    Raises:
        ValueError: with what it is.
    """
    if content is None:
        if not pathlib.Path(path).is_file():
            return
        with open(path, "rb") as file:
            content = file.read(HEAD)
    for sign, what in SIGNS.items():
        if re.match(sign, content[:HEAD], re.IGNORECASE):
            raise ValueError(f"{path} is no file of weights but {what}")
