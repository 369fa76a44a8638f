"""One file per `--mode`: `run(settings, workdir)` tells that mode from start to end.

`anonymize` gets its inputs in place of a work folder; `draw_found_faces` is what
--mode=anonymize --dry_run does.
"""

import concurrent.futures
import contextlib
import ctypes
import importlib
import pathlib
import sys
from typing import Any

from safefakes_tf import own_folders
from safefakes_tf import workdir as files
from safefakes_tf.config import command_line
from safefakes_tf.config.modes import Anonymize

# By default threads free memory to up to eight heaps per processor, which keep it.
M_ARENA_MAX, HEAPS = -8, 2  # of malloc.h


def start(mode: str, settings: Any, workdir: pathlib.Path) -> Any:
    """Print which devices are here, run a mode, and return what it returns.

    Args:
        mode: a key of `config.modes.MODES`, as the module of its run is called.
        settings: of the class in that row.
        workdir: where results go. No other process works there meanwhile, but the
            workers of a cluster, of which the chief keeps others out.

    Raises:
        ValueError: if another process works there, or what the run raises.
        KeyboardInterrupt: with words for the user where a run tells what is done.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(settings, Anonymize):
            drawn = mode == "draw_found_faces"
            stack.enter_context(own_folders.telling_what_is_done(settings, drawn))
            _limit_heaps()
        reads = _checked_inputs(settings) if mode == "anonymize" else workdir
        tf = _load_tensorflow()  # by now; a typing mistake does not wait for it
        run = importlib.import_module(f"{__name__}.{mode}").run
        from safefakes_tf.training import strategy

        gpus = tf.config.list_physical_devices("GPU")
        details = map(tf.config.experimental.get_device_details, gpus)
        names = [detail.get("device_name", "GPU") for detail in details]
        print(f"devices:  {', '.join(names) or 'CPU'}", flush=True)
        shared = mode in command_line.WITHOUT_WORKDIR or not strategy.will_be_chief(
            getattr(settings, "devices", "cpu")
        )
        if not shared:
            stack.enter_context(files.alone_in(workdir))
        return run(settings, reads)


def _limit_heaps():
    """Let threads that decode photos share memory, before there are any."""
    with contextlib.suppress(AttributeError):  # not the C library of most Linux systems
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def _checked_inputs(settings):
    """Return the photos to anonymize; TensorFlow, which takes seconds, is loaded, too.

    Loading keeps one processor busy.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        from safefakes_tf import own_inputs  # before the thread: both load libraries

        thread.submit(_load_tensorflow)
        return own_inputs.checked(settings)


def _load_tensorflow():
    """Import TensorFlow, without the plots of its Keras: 0.3 s and 26 MB."""
    sys.modules.setdefault("matplotlib", None)  # as if it were not installed
    import tensorflow as tf

    if sys.modules["matplotlib"] is None:
        del sys.modules["matplotlib"]  # MediaPipe needs it
    return tf
