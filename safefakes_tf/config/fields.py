"""Settings as a flat list of fields: to compare them, and to check their values."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

from safefakes_tf.config import values


class Field(NamedTuple):
    """A field by its path, e.g. `loop.total_steps`; `annotation` is its type."""

    path: str
    value: Any
    annotation: Any
    owner: type


def walk(settings: Any, prefix: str = "") -> Iterator[Field]:
    """Yield the fields of a dataclass, and of those in it; `prefix` is of all paths."""
    annotations = typing.get_type_hints(type(settings), include_extras=True)
    for field in dataclasses.fields(settings):
        value, path = getattr(settings, field.name), f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from walk(value, f"{path}.")
        else:
            yield Field(path, value, annotations[field.name], type(settings))


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of fields by their paths; see `walk`."""
    return {field.path: field.value for field in walk(settings, prefix)}


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Return lines `a.b: old -> new` for the fields in which two settings differ.

    A field that one of them lacks counts as none.
    """
    old, new = flatten(old, prefix), flatten(new, prefix)
    return [
        f"{path}: {show(old.get(path))} -> {show(new.get(path))}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def show(value: Any) -> str:
    """Return a value as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(map(show, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def validate(settings: Any) -> Any:
    """Return the settings of a mode if their values are what their fields take.

    Raises:
        ValueError: one line that names the field, what it takes and what came.
    """
    found = {}
    for field in walk(settings):
        found[field.path] = values.decode(field.annotation, field.value, field.path)
    if "data.crowd.max_face" in found:
        smallest = values.Range(found["data.crowd.min_face"])
        smallest.check("data.crowd.max_face", found["data.crowd.max_face"])
    return settings
