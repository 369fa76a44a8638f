"""Settings as JSON: `config.json` in a work folder.

A file has a version, and the mode that wrote it. A field that it lacks takes its
default, which is told; one that is not known is an error. Version 0.4.0 wrote neither,
but the fields of all modes; a mode takes those that it reads.
"""

import dataclasses
import json
import os
import pathlib
import reprlib
import sys
import types
import typing
from collections.abc import Mapping

from safefakes_tf.config import generators, modes, names
from safefakes_tf.config.overrides import KINDS, RENAMED

VERSION = 2


@dataclasses.dataclass(frozen=True)
class _Version1(modes.Study):
    """What version 0.4.0 wrote, whatever the mode."""

    sun2018: generators.Sun2018Config = generators.Sun2018Config()
    deepprivacy: generators.DeepPrivacyConfig = generators.DeepPrivacyConfig()
    ciagan: generators.CiaganConfig = generators.CiaganConfig()
    gan: generators.GanConfig = generators.GanConfig()

    @property
    def network(self):
        return getattr(self, self.data.anonymizer, None)


def to_json(settings: typing.Any) -> str:
    """Return the settings of a mode as indented JSON, in the order of their fields."""
    head = {"version": VERSION, "mode": modes.name_of(settings)}
    return json.dumps({**head, **dataclasses.asdict(settings)}, indent=2)


def read(path: str | os.PathLike, mode: str) -> typing.Any:
    """Return the settings of a mode that a file holds; see `parse`.

    Those of another mode serve as far as they go.
    """
    settings = parse(pathlib.Path(path).read_bytes(), path, mode)
    return modes.adapt(settings, mode)


def parse(text: str | bytes, path: str | os.PathLike, mode: str) -> typing.Any:
    """Return the settings that `to_json` wrote, and print which fields are missing.

    Args:
        text: content of the file.
        path: its name, for messages.
        mode: takes what it reads of a file of version 0.4.0.

    Returns:
        Settings of the mode that wrote the file; of `mode` where the file names none.

    Raises:
        ValueError: if the text is no JSON, of a newer version, or has a field that is
            not known or a value of another type; one line, with the name.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is broken ({error}); remove it and give the run's --config and "
            "--set again, or choose another --workdir"
        ) from error
    reader, version = _Reader(path), 1
    if isinstance(values, dict):
        version = values.pop("version", 1)
    if version == 1:
        stored = reader.decode(_Version1, _rename(values), "")
        settings = modes.adapt(stored, mode)
    elif version == VERSION:
        mode = values.pop("mode", None)
        if mode not in tuple(modes.MODES):
            raise ValueError(f"{path} is of no mode that is known; got {mode!r}")
        settings = reader.decode(modes.MODES[mode].settings, values, "")
    else:
        raise ValueError(
            f"{path} is of version {version!r}, and this program reads up to {VERSION};"
            " use the program that wrote it, or choose another --workdir"
        )
    missing = [name for name in reader.missing if hasattr(settings, name.split(".")[0])]
    if missing:
        lacking = ", ".join(missing)
        print(f"{path} lacks {lacking}: taken as by default", file=sys.stderr)
    return settings


def _rename(values):
    """Return groups with the new names of fields."""
    if not isinstance(values, Mapping):
        return values
    return {RENAMED.get(name, name): _rename(value) for name, value in values.items()}


class _Reader:
    """Turns JSON values into what fields are annotated with.

    Attributes:
        missing: paths of the fields that were not there.
    """

    def __init__(self, path):
        self._path = path
        self.missing = []

    def decode(self, annotation, value, name):
        """Return a value of the annotated type; `name` is the path of the field."""
        if dataclasses.is_dataclass(annotation):
            return self._group(annotation, value, f"{name}." if name else "")
        if isinstance(annotation, types.UnionType):
            if value is None:
                return None
            annotation = typing.get_args(annotation)[0]
        if typing.get_origin(annotation) is tuple:
            if not isinstance(value, list):
                self._refuse(name, "a list", value)
            element = typing.get_args(annotation)[0]
            return tuple(self.decode(element, each, name) for each in value)
        if type(value) is not annotation and (annotation, type(value)) != (float, int):
            self._refuse(name, KINDS[annotation], value)
        return value

    def _group(self, kind, values, prefix):
        if not isinstance(values, dict):
            self._refuse(prefix[:-1] or "the file", "a group of settings", values)
        hints = typing.get_type_hints(kind)
        done = {field.name: field.default for field in dataclasses.fields(kind)}
        for name in values.keys() - hints.keys():
            raise ValueError(
                f"{self._path} has a field that is not known: {prefix}{name}"
                f"{names.nearest(name, hints)}; remove it, or use the program that "
                "wrote it"
            )
        for name, annotation in hints.items():
            if name == "network":  # follows from the method
                annotation = names.network(done["data"].anonymizer) or types.NoneType
            if name in values:
                done[name] = self.decode(annotation, values[name], f"{prefix}{name}")
            else:
                self.missing.append(f"{prefix}{name}")
        return kind(**done)

    def _refuse(self, name, expected, value):
        raise ValueError(
            f"{self._path}: {name} must be {expected}; got {reprlib.repr(value)}"
        )
