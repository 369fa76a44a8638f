"""Flags: which there are, which a mode takes, and what they make of settings."""

import dataclasses
import os
import pathlib
from typing import Any

from safefakes_tf.config import bundled, fields, modes, names, overrides, values

# Flags of all modes, and what they are for.
GENERAL = {
    "--config": "start from the settings of a file in configs/",
    "--set": "change a setting, e.g. --set=loop.total_steps=1000; may be repeated",
    "--workdir": "where results go; default: results/<what runs> in the current folder",
    "--dry_run": "print all settings and stop; --mode=anonymize draws found faces",
    "--help": "show this and stop",
}
# Flags of the modes that read a setting, and that setting.
FIELDS = {
    "anonymizer": "data.anonymizer",
    "dataset": "data.dataset",
    "data_dir": "data.data_dir",
    "manual_dir": "data.manual_dir",
    "seed": "seed",
    "predictions": "predictions",
    "ground_truth": "ground_truth",
    "model": "network_name",
    "source": "source",
    "max_gb": "max_gb",
    "input": "input",
    "annotations": "annotations",
    "category": "data.category",
    "box_units": "data.box_units",
    "output": "output",
    "format": "format",
    "runner": "runner",
    "beam_options": "beam_options",
    "detector": "detection.detector",
    "detector_weights": "detection.weights",
    "margin": "detection.margin",
    "max_megapixels": "max_megapixels",
    "skip_unreadable": "skip_unreadable",
}
SWITCHES = ("skip_unreadable",)  # of these, those that need no value
# Flags that say of `own_faces` what they say of the folder of --mode=anonymize.
OF_OWN_FACES = (
    *("annotations", "category", "box_units"),
    *("detector", "detector_weights", "margin"),
)
# Of the flags that no result depends on, those that name nothing which must be there.
_NAMELESS = ("output", "max_gb", "runner", "beam_options")
# Modes that take the project's own weights of a generator where they serve.
_WITH_BUNDLED_WEIGHTS = (
    *("build_dataset", "train_detector", "evaluate", "export", "anonymize"),
)
# Modes whose anonymizers are those of `study_anonymizers`, and no other.
_COMPARING = ("study", "similarity")
WITHOUT_WORKDIR = ("build_dataset", "anonymize", "draw_found_faces")
WITHOUT_WEIGHTS = (
    *("train_anonymizer", "import_weights", "evaluate_predictions", "correlate"),
)


def taken(settings: Any) -> dict[str, str]:
    """Return the part of `FIELDS` that settings have, or that `own_faces` has."""
    paths = fields.flatten(settings)
    own = {
        name: f"data.own_faces.{FIELDS[name].removeprefix('data.')}"
        for name in OF_OWN_FACES
    }
    return {
        name: next(path for path in (field, own.get(name)) if path in paths)
        for name, field in FIELDS.items()
        if {field, own.get(name)} & paths.keys()
    }


def unread(settings: Any, typed: Any) -> list[str]:
    """Return the flags that were given and that settings have no field for."""
    given = (name for name in FIELDS if getattr(typed, name) is not None)
    return [f"--{name}" for name in given if name not in taken(settings)]


def change(settings: Any, typed: Any) -> Any:
    """Return the settings of a mode with --set, then the other flags, applied.

    Raises:
        ValueError: for a setting that does not exist, or a value it cannot have.
    """
    short = [
        f"{field}={getattr(typed, name)}"
        for name, field in taken(settings).items()
        if getattr(typed, name) is not None
    ]
    settings = overrides.apply_overrides(settings, [*typed.set, *short])
    if typed.weights is not None:
        field = _weights_field(settings, typed.mode)
        settings = overrides.apply_overrides(settings, [f"{field}={typed.weights}"])
    settings = fields.validate(settings)
    _check_own_faces(settings, typed)
    _check_compared(settings, typed)
    if typed.mode in _WITH_BUNDLED_WEIGHTS:
        settings = dataclasses.replace(
            settings, data=bundled.with_bundled_weights(settings.data)
        )
    return settings


def _check_own_faces(settings, typed):
    """Refuse boxes for a data set that has its own."""
    for name in OF_OWN_FACES:
        given = getattr(typed, name) is not None
        of_set = given and taken(settings)[name].startswith("data.own_faces.")
        if of_set and settings.data.dataset != "own_faces":
            raise ValueError(
                f"--{name} is of --dataset=own_faces; got --dataset="
                f"{settings.data.dataset}, which has boxes of its own; leave it out"
            )


def _check_compared(settings, typed):
    """Refuse an anonymizer that would change nothing, where others are compared."""
    name = typed.anonymizer
    if typed.mode not in _COMPARING or name is None:
        return
    of_weights = typed.weights is not None and names.network(name) is not None
    if not of_weights and settings.study_anonymizers != (name,):
        raise ValueError(
            f"--mode={typed.mode} compares {', '.join(settings.study_anonymizers)}, "
            f"and --anonymizer={name} only tells whose --weights are given; give "
            f"--set=study_anonymizers={name}"
        )


def _weights_field(settings, mode):
    """Return the setting that --weights are for: of a generator, else the detector."""
    if mode in WITHOUT_WEIGHTS:
        raise ValueError(f"--mode={mode} takes no --weights; leave them out")
    name = settings.data.anonymizer
    if names.network(name) is None or mode == "evaluate":
        if hasattr(settings, "init_weights"):
            return "init_weights"
        raise ValueError(
            f"with --mode={mode}, --weights are those of a generator, so --anonymizer "
            f"must be one of {', '.join(names.generators())}; got {name}"
        )
    if mode in _COMPARING and name not in settings.study_anonymizers:
        raise ValueError(
            f"--weights are those of {name}, which must be one of study_anonymizers; "
            f"got {', '.join(settings.study_anonymizers)}; give "
            f"--set=study_anonymizers={name}"
        )
    return "data.anonymization.weights"


def draws_found_faces(settings: Any) -> bool:
    """Tell whether a dry run shows what --mode=anonymize finds, as it has photos."""
    anonymizes = isinstance(settings, modes.Anonymize)
    return anonymizes and bool(settings.input) and not settings.annotations


def check_given(settings: Any, mode: str) -> None:
    """Answer typing mistakes before TensorFlow is loaded.

    Raises:
        ValueError: if a flag that the mode needs is absent, or names what is not there.
    """
    for flag, name in FIELDS.items():
        if name not in modes.flag_fields(settings):
            continue
        value = getattr(settings, name)
        if name == "network_name":
            values.check_choice("--model", value or "", names.imported())
        elif not value and name in modes.flag_fields(settings, needed=True):
            raise ValueError(f"--mode={mode} needs --{flag}; got nothing")
        elif value and name not in _NAMELESS and not os.path.exists(value):
            raise ValueError(f"--{flag} must name what is there; {value} is not")


def result_name(settings: Any, typed: Any) -> str:
    """Return the name of the work folder of a command that names none."""
    mode = typed.mode
    if mode == "correlate":
        return mode
    if mode == "evaluate_predictions":
        return f"evaluate-{pathlib.Path(settings.predictions or '').resolve().name}"
    if mode in ("train_detector", "evaluate", "export", "train_anonymizer"):
        end = "-generator" if mode == "train_anonymizer" else ""
        return f"{settings.data.dataset}-{settings.data.anonymizer}{end}"
    photos = getattr(settings.data, "dataset", "photos")
    return f"{mode}-{typed.model or typed.config or photos}"
