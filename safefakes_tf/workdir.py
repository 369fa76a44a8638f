"""Work folders: who may use one, and the names of the files in it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from safefakes_tf import atomic, locks
from safefakes_tf.config import fields, modes, store

CONFIG = "config.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
IMAGE_SUMMARIES = "pictures"
TENSORBOARD = "tensorboard"
DETECTOR_WEIGHTS = "detector.weights.h5"
GENERATOR = "generator.npz"
IMPORT = "import.json"
EVALUATION = "evaluation.json"
CURVES = "precision_recall.png"
PREVIEW = "preview.png"
EXPORT = "export"
LOG = "log.txt"  # of a detector of a study
TABLE = "study.md"
VALUES = "study.csv"
SIMILARITY = "similarity.csv"
SIMILARITY_OF_PART = "similarity.json"  # of a detector of a study
CORRELATION = "correlation"  # .json, .md and .png
PICTURE = "study.png"


@contextlib.contextmanager
def alone_in(workdir: pathlib.Path) -> Iterator[None]:
    """Make a work folder unless it is there, and use it while no other process does.

    Raises:
        ValueError: if another process uses it, or a file is in its place.
        OSError: if it cannot be made or written to.
    """
    _make(workdir)
    with locks.alone_in(workdir, "choose another --workdir"):
        yield


def claim(settings: Any, workdir: pathlib.Path) -> None:
    """Write `config.json` into a work folder, or check that it is the same.

    In a folder that holds nothing else it is replaced: that run has done nothing yet.

    Args:
        settings: of a mode. Fields of `modes.flag_fields`, such as those that say where
            something lies, may change.
        workdir: is made if it is not there.

    Raises:
        ValueError: if the folder belongs to a run with other settings; the message
            lists what differs.
    """
    path = workdir / CONFIG
    _make(workdir)
    # Other workers may be writing the same file.
    others = (CONFIG, atomic.SUFFIX, *locks.FILES)
    used = any(not file.name.endswith(others) for file in workdir.iterdir())
    if not (used and path.exists()):
        atomic.write_text(path, store.to_json(settings))
    # Also what was just written: another worker may have been here meanwhile.
    mode = modes.name_of(settings)
    stored = store.read_as_written(path, mode)
    if type(stored) is not type(settings):
        raise ValueError(
            f"{workdir} holds a run of --mode={modes.name_of(stored)}; choose another "
            f"--workdir for --mode={mode}"
        )
    flags = {name: getattr(settings, name) for name in modes.flag_fields(settings)}
    changed = fields.differences(dataclasses.replace(stored, **flags), settings)
    if changed:
        raise ValueError(
            f"{workdir} holds a run with other settings ({'; '.join(changed)}); "
            "choose another --workdir, or the settings of that run"
        )


def _make(workdir):
    if workdir.is_file():
        raise ValueError(f"--workdir must name a folder; {workdir} is a file")
    workdir.mkdir(parents=True, exist_ok=True)
