"""Anonymize face photos, train a face detector on them, and measure what it costs.

`python main.py --help` shows the modes; installed, the command is `safefakes`. Flags
become the settings of one mode: those of a file in configs/, or of the work folder,
changed by --set and the other flags. Then the run of that mode starts.
"""

import argparse
import atexit
import gc
import importlib
import os
import pathlib
import sys

from safefakes_tf import mistakes, own_folders, printing, runs, workdir
from safefakes_tf.config import (
    command_line,
    fields,
    help,
    modes,
    next_command,
    store,
    values,
)

CONFIGS = pathlib.Path(__file__).resolve().parent / "configs"
CONFIG_NAMES = tuple(sorted(p.stem for p in CONFIGS.glob("[!_]*.py")))


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message}; see --help")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the flags of a command line; None for a flag that was not given.

    Raises:
        ValueError: for anything else than a known flag and its value.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in ("mode", "config", "workdir", "weights", *command_line.FIELDS):
        nargs = "?" if name in command_line.SWITCHES else None
        parser.add_argument(f"--{name}", nargs=nargs, const=nargs and "true")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--dry_run", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    typed, others = parser.parse_known_args(arguments)
    for other in others:
        name = other.partition("=")[0]
        if name.startswith("-"):
            known = [f"--{known}" for known in vars(typed)]
            hint = values.nearest(name, known) or "; see --help"
            raise ValueError(f"no flag {name}{hint}")
        raise ValueError(f"expected flags only; got {other}")
    if typed.mode == "evaluate" and typed.predictions:
        typed.mode = "evaluate_predictions"
    return typed


def main(arguments: list[str]) -> None:
    """Do what a command line asks for.

    Raises:
        ValueError: for a mistake of the user.
    """
    typed = parse(arguments)
    if typed.help and not typed.mode:
        print(help.of_program(next_command.program(), CONFIG_NAMES))
        return
    values.check_choice("--mode", typed.mode or "", modes.MODES)
    settings, start, origin, folder = _settings(typed)
    draws = typed.dry_run and command_line.draws_found_faces(settings)
    if typed.help:
        print(help.of_mode(settings, next_command.program()))
    elif typed.dry_run and not draws:
        print(store.to_json(settings))
    else:
        command_line.check_given(settings, typed.mode)
        if typed.mode == "anonymize":
            own_folders.check(settings, typed.dry_run)
        for flag in command_line.unread(settings, typed):
            print(f"--mode={typed.mode} does not read {flag}", file=sys.stderr)
        print(f"settings: {origin}")
        for line in fields.differences(start, settings):
            print(f"          {line}")
        if typed.mode not in command_line.WITHOUT_WORKDIR:
            print(f"results:  {folder}", flush=True)
        runs.start("draw_found_faces" if draws else typed.mode, settings, folder)


def _settings(typed):
    """Return settings, those they differ from, where these are from; a work folder.

    To look at a detector, the settings are those of the folder it was trained in, and
    flags change them: those of a file need not take the same flags.
    """
    trained = typed.mode == "train_anonymizer" and typed.anonymizer in CONFIG_NAMES
    name = typed.config or (typed.anonymizer if trained else "detector")
    values.check_choice("--config", name, CONFIG_NAMES)
    package = f"{__package__}.configs" if __package__ else "configs"
    file = importlib.import_module(f"{package}.{name}")
    start, origin = modes.adapt(file.get_config(), typed.mode), f"configs/{name}.py"
    folder = typed.workdir and pathlib.Path(os.path.expanduser(typed.workdir))
    if not (folder and _is_looked_at(folder, typed)):
        settings = command_line.change(start, typed)
        default = pathlib.Path("results") / command_line.result_name(settings, typed)
        folder = folder or default
    if _is_looked_at(folder, typed):
        origin = folder / workdir.CONFIG
        start = store.read(origin, typed.mode)
        settings = command_line.change(start, typed)
    return settings, start, origin, folder


def _is_looked_at(folder, typed):
    """Tell whether the mode is to look at what was trained in a folder."""
    looks = typed.mode in ("evaluate", "export") and not typed.config
    return looks and (folder / workdir.CONFIG).exists()


def run(arguments: list[str]) -> None:
    """Run `main`; what a user can put right is one line and exit code 2."""
    try:
        main(arguments)
        print(end="", flush=True)  # now, as nothing can be told of it at the end
    except KeyboardInterrupt as stop:
        message, code = str(stop) or "stopped; the same command goes on from here", 130
    except Exception as error:
        message, code = mistakes.in_words(error), 2
        if not printing.is_read() and isinstance(error, BrokenPipeError):
            sys.exit(141)  # as of a program that SIGPIPE ended: `| head` has enough
        if message is None:
            raise
    else:
        return
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(code)


def start() -> None:
    """Run the command line of this process: what `safefakes` calls."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default on CPUs without AVX-512, where it makes a step 1.5 times as fast.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Imports and tracing make millions of objects, and few of them are garbage.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)  # or the interpreter goes through them as it ends: 0.6 s
    run(sys.argv[1:])


if __name__ == "__main__":
    start()
