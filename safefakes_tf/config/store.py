"""Settings as JSON: `config.json` in a work folder.

A file has a version, and the mode that wrote it. A field that it lacks takes its
default, which is told; one that is not known is an error. Version 0.4.0 wrote neither,
but the fields of all modes; a mode takes those that it reads.
"""

import dataclasses
import functools
import json
import os
import reprlib
import sys
import typing

from safefakes_tf.config import bundled, generators, modes, names, values
from safefakes_tf.config.overrides import RENAMED

VERSION = 2
MAX_BYTES = 2**20  # of a file; those that are written have some thousand


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
    return modes.adapt(read_as_written(path, mode), mode)


def read_as_written(path: str | os.PathLike, mode: str) -> typing.Any:
    """Return the settings that a file holds, of the mode that wrote it; see `parse`."""
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"{path} has more than {MAX_BYTES:,} bytes, and is none that was written "
            "here; remove it"
        )
    return parse(content, path, mode)


def parse(text: str | bytes, path: str | os.PathLike, mode: str) -> typing.Any:
    """Return the settings that `to_json` wrote, and print once which are missing.

    They are of the mode that wrote them. A file of version 0.4.0 names none: then
    `mode` takes what it reads.

    Raises:
        ValueError: if the text is no JSON, of a newer version, or has a field that is
            not known or a value that it cannot have; one line, with path and name.
    """
    try:
        stored = _as_now(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is broken ({error}); remove it and give the run's --config and "
            "--set again, or choose another --workdir"
        ) from error
    missing = []
    version = stored.pop("version", 1) if isinstance(stored, dict) else 1
    if version == 1:
        old = decode(_Version1, stored, path, missing)
        settings = modes.adapt(old, mode)
    elif version == VERSION:
        mode = stored.pop("mode", None)
        if mode not in tuple(modes.MODES):
            raise ValueError(f"{path} is of no mode that is known; got {mode!r}")
        settings = decode(modes.MODES[mode].settings, stored, path, missing)
    else:
        raise ValueError(
            f"{path} is of version {version!r}, and this program reads up to {VERSION};"
            " use the program that wrote it, or choose another --workdir"
        )
    read = [name for name in missing if hasattr(settings, name.split(".")[0])]
    if read:
        _tell(f"{path} lacks {', '.join(read)}: taken as by default")
    return settings


@functools.cache  # once: a run may read the file again, with what lies beside it
def _tell(line):
    print(line, file=sys.stderr)


def _as_now(stored):
    """Return groups with the new names of fields and of the project's own weights."""
    if isinstance(stored, dict):
        return {RENAMED.get(name, name): _as_now(each) for name, each in stored.items()}
    return bundled.moved(stored) if isinstance(stored, str) else stored


def decode(
    kind: type, stored: typing.Any, path: typing.Any, missing: list, group: str = ""
) -> typing.Any:
    """Return a dataclass of JSON values.

    Args:
        kind: the dataclass; its fields may be dataclasses.
        stored: what JSON has of it.
        path: of the file, for messages.
        missing: gets the paths of absent fields, which take their defaults; not of
            flags.
        group: path of the field that it is of.

    Raises:
        ValueError: for a field that is not known, or a value that it cannot have.
    """
    if not isinstance(stored, dict):
        raise ValueError(
            f"{path}: {group or 'the file'} must be a group of settings; got "
            f"{reprlib.repr(stored)}"
        )
    prefix = f"{group}." if group else ""
    annotations = typing.get_type_hints(kind, include_extras=True)
    for name in stored.keys() - annotations.keys():
        raise ValueError(
            f"{path} has a field that is not known: {prefix}{name}"
            f"{values.nearest(name, annotations)}; remove it, or use the program that "
            "wrote it"
        )
    found = {}
    for name, annotation in annotations.items():
        full = f"{prefix}{name}"
        if name == "network" and "data" in found:  # its class follows from the method
            annotation = names.network(found["data"].anonymizer) or annotation
        if name not in stored:
            if name not in modes.flag_fields(kind):  # on which no result depends
                missing.append(full)
        elif dataclasses.is_dataclass(annotation):
            found[name] = decode(annotation, stored[name], path, missing, full)
        else:
            found[name] = values.decode(annotation, stored[name], f"{path}: {full}")
    return kind(**found)
