"""What `--help` says: of the program, and of a mode.

The explanations are the comments beside the fields, as `simple_parsing` finds them. Its
parser and that of `tyro` were tried, too: for `train_detector` their help has 171 and
173 lines, here 89; a mistake is 28 and 11 lines, and `overrides` says it in one.
"""

import textwrap
from typing import Any

from simple_parsing.docstring import get_attribute_docstring

from safefakes_tf.config import command_line, fields, modes, names, values

WIDTH = 88
COLUMN = 36  # where explanations begin at the latest
DETECTOR, GENERATOR = "of the detector", "of the generator, where --anonymizer has one"


def of_program(program: str, configs: tuple[str, ...]) -> str:
    """Return what `--help` says of a program, given its name and those of `configs`."""
    return f"""\
Anonymize face photos, train a face detector on them, and measure what it costs.

usage: {program} --mode=MODE [flags]
       {program} --mode=MODE --help  for what a mode takes

modes:
{_table({mode: row.summary for mode, row in modes.MODES.items()})}

anonymizers:
{_table({name: row.summary for name, row in names.ANONYMIZERS.items()})}

data sets:
{_table({name: row.summary for name, row in names.DATASETS.items()})}

files of settings, for --config:
{textwrap.indent(textwrap.fill(", ".join(configs), WIDTH - 2), "  ")}"""


def of_mode(settings: Any, program: str) -> str:
    """Return what `--help` says of the mode that settings are of, and their values."""
    mode = modes.name_of(settings)
    row = modes.MODES[mode]
    explained = _explanations(settings)
    taken = command_line.taken(settings)
    flags = {f"--{name}": explained[field] for name, field in taken.items()}
    if mode == "evaluate":
        flags["--weights"] = DETECTOR
    elif mode not in command_line.WITHOUT_WEIGHTS:
        both = hasattr(settings, "init_weights")
        flags["--weights"] = GENERATOR + f"; else {DETECTOR}" * both
    current = {
        f"{path}={fields.show(value)}": explained[path]
        for path, value in fields.flatten(settings).items()
        if path not in modes.flag_fields(settings)
    }
    return f"""\
--mode={mode}: {row.summary}.

  {program} --mode={mode} {row.example}

flags:
{_table(flags | command_line.GENERAL)}

settings, changed by --set=NAME=VALUE:
{_table(current)}"""


def _table(rows):
    """Return lines of two columns: a name, and an explanation of any length."""
    column = min(COLUMN, 4 + max(map(len, rows)))
    style = {"break_on_hyphens": False, "subsequent_indent": " " * column}
    return "\n".join(
        textwrap.fill(f"  {name:<{column - 4}}  {text}", WIDTH, **style).rstrip()
        for name, text in rows.items()
    )


def _explanations(settings):
    """Return by its path what a field may be, and the comment beside it."""
    found = {}
    for field in fields.walk(settings):
        name = field.path.rpartition(".")[-1]
        said = get_attribute_docstring(field.owner, name)
        allowed = ", ".join(values.choices(field.annotation))
        parts = filter(None, [allowed, said.comment_above or said.comment_inline])
        text = " ".join("; ".join(parts).split())
        found[field.path] = text.replace("None", "none")
    return found
