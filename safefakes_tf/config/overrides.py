"""`--set=a.b=value`: a field by its path, and its new value as text."""

import dataclasses
import sys
import typing
from collections.abc import Iterable

from safefakes_tf.config import bundled, modes, names, values

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
        first, *rest = path.strip().split(".")
        group = "network" if first in networks else first
        _check_read(settings, group, override)
        if group != first:
            _check_trained(settings, first, override)
        settings = _replace(settings, [group, *rest], text.strip(), override)
    return settings


def _check_trained(settings, method, override):
    """Check a method that had a group of its own in version 0.4.0."""
    if settings.data.anonymizer != method:
        raise ValueError(
            f"--set={override}: {method} is not trained here, but "
            f"{settings.data.anonymizer}; name it with --anonymizer={method}"
        )
    _tell(override, method, "network")


def _check_read(settings, name, override):
    """Refuse a field that only other modes read."""
    readers = [mode for mode, row in modes.MODES.items() if hasattr(row.settings, name)]
    if not hasattr(settings, name) and readers:
        raise ValueError(
            f"--set={override}: --mode={modes.name_of(settings)} does not read {name}; "
            f"{', '.join(readers)} {'does' if len(readers) == 1 else 'do'}"
        )


def _tell(override, old, new):
    print(f"--set={override}: {old} is now called {new}", file=sys.stderr)


def _replace(node, path, text, override):
    name, *rest = path
    known = typing.get_type_hints(type(node), include_extras=True)
    if name not in known and RENAMED.get(name) in known:
        _tell(override, name, RENAMED[name])
        name = RENAMED[name]
    if name not in known:
        raise ValueError(
            f"--set={override}: no field {name!r}{values.nearest(name, known)} — "
            f"fields here: {', '.join(known)}"
        )
    value = getattr(node, name)
    grouped = dataclasses.is_dataclass(value)
    if grouped and rest:
        value = _replace(value, rest, text, override)
    elif grouped:
        inner = ", ".join(field.name for field in dataclasses.fields(value))
        raise ValueError(
            f"--set={override}: {name} is a group; set one of its fields: {inner}"
        )
    elif rest:
        raise ValueError(f"--set={override}: {name} has no fields of its own")
    else:
        full = override.partition("=")[0]
        if (lies := bundled.moved(text)) != text:
            print(f"--set={override}: this file is now {lies}", file=sys.stderr)
        value = values.decode(known[name], lies, full, typed=True)
    return dataclasses.replace(node, **{name: value})
