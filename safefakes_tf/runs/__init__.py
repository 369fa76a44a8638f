"""One file per `--mode`: `run(settings, workdir)` tells that mode from start to end."""

import importlib
import pathlib
from typing import Any


def start(mode: str, settings: Any, workdir: pathlib.Path) -> Any:
    """Run a mode, and return what it returns.

    Args:
        mode: a key of `config.modes.MODES`; the module of its run has that name.
        settings: of the class in that row.
        workdir: where results go.
    """
    return importlib.import_module(f"{__name__}.{mode}").run(settings, workdir)
