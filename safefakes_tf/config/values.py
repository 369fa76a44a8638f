"""Values of fields: what each may be, and how it is read from JSON or from a text.

A field is annotated with its type, and with its limits where it has some: the choices
of a `Literal`, or `Annotated` with a `Range` or a `Choice` from a table.
"""

import contextlib
import difflib
import math
import os
import reprlib
import types
import typing
from collections.abc import Callable, Collection
from typing import Annotated, Any, NamedTuple

# What a user is told that a field takes.
_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
}
_KINDS[types.NoneType] = "nothing"


class Range(NamedTuple):
    """A finite number from `low` to `high`."""

    low: float
    high: float = math.inf

    def check(self, name, value):
        if self.low <= value <= self.high and value < math.inf:
            return
        limits = f"from {self.low:.10g} to {self.high:.10g}"
        if self.high == math.inf:
            finite = " and finite" if value == math.inf else ""
            limits = f"at least {self.low:.10g}{finite}"
        raise ValueError(f"{name} must be {limits}; got {value:.10g}")


class Rule(NamedTuple):
    """A value for which `holds` is true; `words` say what it must be."""

    words: str
    holds: Callable[[Any], Any]

    def check(self, name, value):
        if not self.holds(value):
            raise ValueError(f"{name} must be {self.words}; got {_shown(value)}")


def _shown(value):
    if isinstance(value, int | float):
        return f"{value:g}"
    return (", ".join(value) if isinstance(value, tuple) else value) or "nothing"


class Choice(NamedTuple):
    """A name in a table, which may have grown since."""

    choices: Callable[[], Collection[str]]

    def check(self, name, value):
        check_choice(name, value, self.choices())


Seed = Annotated[int, Range(0, 2**32 - 1)]  # what NumPy takes
Count = Annotated[int, Range(1)]
Positive = Annotated[float, Rule("above 0, and finite", lambda x: 0 < x < math.inf)]
Odd = Annotated[int, Rule("odd and positive", lambda x: x > 0 and x % 2 == 1)]
Share = Annotated[float, Rule("between 0 and 1, or be none", lambda x: 0 < x < 1)]


def choices(annotation: Any) -> tuple[str, ...]:
    """Return the names that a field may have; nothing where it takes other values."""
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return arguments
    return tuple(*(rule.choices() for rule in arguments if isinstance(rule, Choice)))


def decode(annotation: Any, value: Any, name: str, typed: bool = False) -> Any:
    """Return a value as the type that a field is annotated with.

    Args:
        annotation: of the field, which is no group of fields.
        value: as JSON has it.
        name: of the field, for messages.
        typed: whether the value is a text that a user typed instead: `none` is None,
            tuples have commas, and `~` at the start of a text is the home folder. Its
            limits are not checked: other fields may be typed, too; see `validate`.

    Raises:
        ValueError: one line, with what the field takes, if the value is not that.
    """
    arguments = typing.get_args(annotation)
    kind = typing.get_origin(annotation) or annotation
    if types.NoneType in arguments:
        if value is None or (typed and value.lower() == "none"):
            return None
        return decode(arguments[0], value, name, typed)
    if kind is typing.Literal:
        choice = Annotated[str, Choice(lambda: arguments)]
        return decode(choice, value, name, typed)
    if kind is Annotated:
        decoded = decode(arguments[0], value, name, typed)
        if not typed:
            arguments[1].check(name, decoded)
        return decoded
    if kind is tuple:
        if typed:
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list; got {reprlib.repr(value)}")
        return tuple(decode(arguments[0], each, name, typed) for each in value)
    found = _from_text(kind, value) if typed else value
    if type(found) is not kind and (kind, type(found)) != (float, int):
        raise ValueError(f"{name} must be {_KINDS[kind]}; got {reprlib.repr(value)}")
    if isinstance(found, int) and found.bit_length() > 63:
        raise ValueError(f"{name} must have 64 bits at most; got {reprlib.repr(value)}")
    if kind is str and not _is_file_name(found):
        raise ValueError(f"{name} can name no file; got {reprlib.repr(value)}")
    return found


def _is_file_name(text):
    """Tell whether the system takes a text: most of them name files, or may."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half a character, which JSON can write
        return False


def _from_text(kind, text):
    """Return a text as a type, or as it is."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return os.path.expanduser(text)


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise a ValueError that suggests the nearest choice unless `value` is one."""
    if value not in choices:
        raise ValueError(
            f"{name} must be one of {', '.join(choices)}; got {value or 'nothing'}"
            f"{nearest(value, choices)}"
        )


def nearest(value: str, choices: Collection[str]) -> str:
    """Return `; did you mean ...?` with the choice most like a name, or nothing."""
    near = difflib.get_close_matches(value, choices, n=1)
    return f"; did you mean {near[0]}?" if near else ""
