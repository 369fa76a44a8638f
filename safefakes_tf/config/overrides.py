"""`--set=a.b=value`: a field by its path, and its new value as text."""

import dataclasses
import os
import sys
import types
import typing
from collections.abc import Iterable

from safefakes_tf.config import modes, names

# Fields of version 0.4.0 -> what they are called now.
RENAMED = {
    "average": "ema",
    "crop_spread": "random_crop",
    "discriminator_rate": "discriminator_learning_rate",
    "generator_rate": "generator_learning_rate",
    "jpeg_drawings": "jpeg_landmark_maps",
    "judges_width_multiplier": "discriminator_width_multiplier",
    "pictures_every": "image_summary_every",
}
# What a user is told that a field takes.
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    types.NoneType: "nothing",
}


def apply_overrides(settings: typing.Any, overrides: Iterable[str]) -> typing.Any:
    """Return `settings` with `a.b=value` assignments applied.

    Those of a generator's network come last, as its class follows from
    `data.anonymizer`. Names of version 0.4.0 are taken, and the new ones told.

    Args:
        settings: of a mode.
        overrides: strings such as `loop.total_steps=100`; `none` gives None, tuples
            are written with commas (`optimizer.decay_steps=100,200`), `~` at the start
            of a text is the home folder.

    Raises:
        ValueError: for an unknown field (the fields are listed), one that the mode does
            not read (modes that do are), or a value that does not fit its type.
    """
    networks = ("network", *names.generators())
    for override in sorted(overrides, key=lambda text: text.startswith(networks)):
        path, separator, text = override.partition("=")
        if not separator:
            raise ValueError(f"--set expects name=value; got {override!r}")
        fields = path.strip().split(".")
        if fields[0] in networks[1:]:
            fields = _of_network(settings, fields, override)
        _check_read(settings, fields[0], override)
        settings = _replace(settings, fields, text.strip(), override)
    return settings


def _of_network(settings, fields, override):
    """Return the path of a field that version 0.4.0 had one group per method for."""
    if not hasattr(settings, "network"):
        return ["network", *fields[1:]]
    if settings.data.anonymizer != fields[0]:
        raise ValueError(
            f"--set={override}: {fields[0]} is not trained here, but "
            f"{settings.data.anonymizer}; name it with --anonymizer={fields[0]}"
        )
    _tell(override, fields[0], "network")
    return ["network", *fields[1:]]


def _check_read(settings, name, override):
    """Refuse a field that only other modes read."""
    readers = [
        mode
        for mode, row in modes.MODES.items()
        if any(field.name == name for field in dataclasses.fields(row.settings))
    ]
    if not hasattr(settings, name) and readers:
        raise ValueError(
            f"--set={override}: --mode={modes.name_of(settings)} does not read {name}; "
            f"{', '.join(readers)} {'does' if len(readers) == 1 else 'do'}"
        )


def _tell(override, old, new):
    print(f"--set={override}: {old} is now called {new}", file=sys.stderr)


def _replace(node, path, text, override):
    fields = {field.name: field for field in dataclasses.fields(node)}
    name = path[0]
    if name not in fields and RENAMED.get(name) in fields:
        _tell(override, name, RENAMED[name])
        name = RENAMED[name]
    if name not in fields:
        raise ValueError(
            f"--set={override}: no field {name!r}{names.nearest(name, fields)} — "
            f"fields here: {', '.join(fields)}"
        )
    value = getattr(node, name)
    if dataclasses.is_dataclass(value):
        if len(path) == 1:
            inner = ", ".join(field.name for field in dataclasses.fields(value))
            raise ValueError(
                f"--set={override}: {name} is a group; set one of its fields: {inner}"
            )
        value = _replace(value, path[1:], text, override)
    elif len(path) > 1:
        raise ValueError(f"--set={override}: {name} has no fields of its own")
    else:
        value = _parse(typing.get_type_hints(type(node))[name], text, override)
    return dataclasses.replace(node, **{name: value})


def _parse(annotation, text, override):
    """Return `text` as the type that a dataclass field is annotated with."""
    if isinstance(annotation, types.UnionType):
        if text.lower() == "none":
            return None
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) is tuple:
        element = typing.get_args(annotation)[0]
        parts = [part for part in text.split(",") if part.strip()]
        return tuple(_parse(element, part.strip(), override) for part in parts)
    if annotation is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"--set={override}: expected {KINDS[bool]}; got {text!r}")
        return text.lower() == "true"
    if annotation is str:
        return os.path.expanduser(text)
    try:
        return annotation(text)
    except ValueError:
        raise ValueError(
            f"--set={override}: expected {KINDS[annotation]}; got {text!r}"
        ) from None
