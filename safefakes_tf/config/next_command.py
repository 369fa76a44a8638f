"""How a user calls this program, and the command that goes on from a run."""

import dataclasses
import pathlib
import shlex
import sys

from safefakes_tf.config.data import DataConfig, with_demonstration_weights


def program() -> str:
    """Return how a user calls this program: installed, or as a file."""
    name = pathlib.Path(sys.argv[0]).name
    return name if name == "safefakes" else "python main.py"


def next_command(mode: str, data: DataConfig, weights: str | None = None) -> str:
    """Return the line `next: python main.py ...`, with the flags that name the photos.

    Args:
        mode: of the next command.
        data: what this run was about.
        weights: of the generator, if they are new; else those of `data` are named,
            but not the project's own where they are taken by themselves.
    """
    weights = weights or data.anonymization.weights
    nothing_named = dataclasses.replace(data.anonymization, weights=None)
    taken = with_demonstration_weights(
        dataclasses.replace(data, anonymization=nothing_named)
    )
    if weights == taken.anonymization.weights:
        weights = None
    flags = {
        "mode": mode,
        "dataset": data.dataset,
        "anonymizer": data.anonymizer,
        "weights": weights,
        "data_dir": data.data_dir,
        "manual_dir": data.manual_dir,
    }
    words = [f"--{name}={value}" for name, value in flags.items() if value]
    if data.allow_partial:
        words.append("--set=data.allow_partial=true")
    return "next:    " + f"{program()} {shlex.join(words)}"
