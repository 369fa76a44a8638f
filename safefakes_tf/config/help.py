"""What `--help` says: of the program, and of a mode.

The explanations are the comments beside the fields, as `simple_parsing` finds them. Its
parser and that of `tyro` were tried too: both turn every field into a flag, where this
project has `--set`, and answer a mistake with a page; so `overrides` reads `--set`.
"""

import dataclasses
import textwrap
from typing import Any

from simple_parsing.docstring import get_attribute_docstring

from safefakes_tf.config import command_line, fields, modes

WIDTH = 88
COLUMN = 36  # where explanations begin at the latest


def of_program(program: str, configs: tuple[str, ...]) -> str:
    """Return the modes with one line each, and the names of files of settings.

    Args:
        program: how it is called.
        configs: names for `--config`.
    """
    return f"""\
Anonymize face photos, train a face detector on them, and measure what it costs.

usage: {program} --mode=MODE [flags]

modes:
{_table({mode: row.summary for mode, row in modes.MODES.items()})}

files of settings, for --config:
{_table({"": ", ".join(configs)})}

{program} --mode=MODE --help shows what a mode takes."""


def of_mode(settings: Any, program: str) -> str:
    """Return the flags and settings of a mode, with an example.

    Args:
        settings: of the mode; their values are shown.
        program: how it is called.
    """
    mode = modes.name_of(settings)
    summary, example = modes.MODES[mode][1:]
    explained = _explanations(settings)
    flags = {
        f"--{name}": explained[field]
        for name, field in command_line.taken(settings).items()
    }
    if mode not in command_line.WITHOUT_WEIGHTS:
        flags["--weights"] = _weights(settings, mode)
    values = {
        f"{path}={fields.show(value)}": explained[path]
        for path, value in fields.flatten(settings).items()
        if path not in modes.flag_fields(settings)
    }
    return f"""\
--mode={mode}: {summary}.

  {program} {example}

flags:
{_table(flags | command_line.GENERAL)}

settings, changed by --set=NAME=VALUE:
{_table(values)}"""


def _weights(settings, mode):
    generator, detector = (
        "of the generator, where --anonymizer has one",
        "of the detector",
    )
    if mode == "evaluate":
        return detector
    return (
        f"{generator}; else {detector}"
        if hasattr(settings, "init_weights")
        else generator
    )


def _table(rows):
    """Return lines of two columns: a name, and an explanation of any length."""
    column = min(COLUMN, 4 + max(map(len, rows)))
    lines = []
    for name, text in rows.items():
        name = f"  {name}".ljust(column)
        if len(name) > column and text:
            lines.append(name)
            name = " " * column
        lines.append(
            textwrap.fill(
                text,
                WIDTH,
                initial_indent=name,
                subsequent_indent=" " * column,
                break_on_hyphens=False,
            )
            or name.rstrip()
        )
    return "\n".join(lines)


def _explanations(settings, prefix=""):
    """Return the comment of every field by its path; else the values it may have."""
    found, choices = {}, fields.named_choices()
    for field in dataclasses.fields(settings):
        value, path = getattr(settings, field.name), f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            found |= _explanations(value, f"{path}.")
            continue
        said = get_attribute_docstring(type(settings), field.name)
        text = " ".join((said.comment_above or said.comment_inline).split())
        found[path] = text.replace("None", "none") or ", ".join(choices.get(path, ()))
    return found
