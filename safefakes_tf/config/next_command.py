"""How a user calls this program, and the command that goes on from a run."""

import pathlib
import shlex
import sys
from typing import Any

from safefakes_tf.config import fields
from safefakes_tf.config.bundled import bundled_weights
from safefakes_tf.config.data import DataConfig

_OF_SOURCE = ("allow_partial", "own_faces", "pipa", "fdf", "celeba")


def program() -> str:
    """Return how a user calls this program: installed, or as a file."""
    name = pathlib.Path(sys.argv[0]).name
    return name if name == "safefakes" else "python main.py"


def command(mode: str, **flags: Any) -> str:
    """Return the line `next: python main.py --mode=...`, without flags of no value.

    A list is a flag that comes several times.
    """
    words = [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, values in flags.items()
        for value in (values if isinstance(values, list) else [values])
        if value
    ]
    return f"next:    {program()} {shlex.join([f'--mode={mode}', *words])}"


def next_command(mode: str, data: DataConfig, weights: str | None = None) -> str:
    """Return the line `next: python main.py ...`, with the flags that name the photos.

    Args:
        mode: of the next command.
        data: what this run was about.
        weights: of the generator, if they are new; else those of `data` are named,
            but not the project's own where they are taken by themselves.
    """
    weights = weights or data.anonymization.weights
    return command(
        mode,
        dataset=data.dataset,
        anonymizer=data.anonymizer,
        weights=None if weights == bundled_weights(data) else weights,
        data_dir=data.data_dir,
        manual_dir=data.manual_dir,
        set=_settings_of_source(data),
    )


def _settings_of_source(data):
    """Return what --set takes for settings that say which photos are read."""
    standard = fields.flatten(DataConfig())
    return [
        f"data.{path}={fields.show(value)}"
        for path, value in fields.flatten(data).items()
        if path.split(".")[0] in _OF_SOURCE and value != standard[path]
    ]
