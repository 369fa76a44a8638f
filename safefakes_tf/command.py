"""What a command line asks for: settings, a name for its results, what its run takes.

`flags` maps the names of main.py's flags to their values; a string or number that was
not given is None. Nothing here needs TensorFlow.
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from safefakes_tf import config as config_lib
from safefakes_tf.config import Config

Flags = Mapping[str, Any]
# What a run takes beside the settings and the work folder.
FURTHER_FLAGS = {
    "evaluate_predictions": ("predictions", "ground_truth"),
    "import_weights": ("model", "source"),
    "anonymize": ("input", "annotations", "output"),
}


def change(config: Config, flags: Flags) -> Config:
    """Return the settings of a file with --set, then the short flags, applied.

    Raises:
        ValueError: for a setting that does not exist, or a value it cannot have.
    """
    config = config_lib.apply_overrides(config, flags["set"])
    data = {
        name: flags[name]
        for name in ("anonymizer", "dataset", "data_dir", "manual_dir")
        if flags[name] is not None
    }
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, **data))
    if flags["seed"] is not None:
        config = dataclasses.replace(config, seed=flags["seed"])
    return _with_weights(config, flags)


def _with_weights(config, flags):
    """Return the settings with --weights where they belong."""
    generates = config.data.anonymizer in config_lib.GENERATOR_NAMES
    field = "init_weights"
    if generates and flags["mode"] != "evaluate":
        field = "data.anonymization.weights"
    if flags["weights"] is not None:
        _check_takes_weights(flags["mode"], config)
        config = config_lib.apply_overrides(config, [f"{field}={flags['weights']}"])
    # One starts from nothing, one has photos that no demonstration fits, and two have
    # several generators, for each of which they look themselves.
    if flags["mode"] in ("train_anonymizer", "anonymize", "study", "preview"):
        return config
    data = config_lib.with_demonstration_weights(config.data)
    return dataclasses.replace(config, data=data)


def _check_takes_weights(mode, config):
    name = config.data.anonymizer
    if mode in ("train_anonymizer", "import_weights"):
        raise ValueError(f"--mode={mode} takes no --weights; leave them out")
    names = config_lib.GENERATOR_NAMES
    if mode in ("build_dataset", "preview", "anonymize") and name not in names:
        raise ValueError(
            f"with --mode={mode}, --weights are those of a generator, so --anonymizer "
            f"must be one of {', '.join(names)}; got {name}"
        )
    if mode == "study" and name in names and name not in config.study_anonymizers:
        raise ValueError(
            f"--weights are those of {name}, which must be one of study_anonymizers; "
            f"got {', '.join(config.study_anonymizers)}"
        )


def result_name(config: Config, flags: Flags) -> str:
    """Return the name of the work folder of a command that names none."""
    if run_name(flags) == "evaluate_predictions":
        return f"evaluate-{pathlib.Path(flags['predictions']).resolve().name}"
    mode = flags["mode"]
    if mode in ("train_detector", "evaluate", "export"):
        return f"{config.data.dataset}-{config.data.anonymizer}"
    if mode == "train_anonymizer":
        return f"{config.data.dataset}-{config.data.anonymizer}-generator"
    return f"{mode}-{flags['model'] or flags['config'] or config.data.dataset}"


def run_name(flags: Flags) -> str:
    """Return the module of `safefakes_tf.runs` that does what a command asks for."""
    evaluates_files = flags["mode"] == "evaluate" and flags["predictions"]
    return "evaluate_predictions" if evaluates_files else flags["mode"]


def check_further_flags(flags: Flags) -> None:
    """Answer typing mistakes before TensorFlow is loaded.

    Raises:
        ValueError: if a flag that the mode needs is absent, or names what is not there.
    """
    mode = flags["mode"]
    wanted = FURTHER_FLAGS.get(run_name(flags), ())
    if "model" in wanted:
        names = config_lib.IMPORTED_NAMES
        config_lib.check_choice("--model", flags["model"] or "", names)
    for name in wanted:
        path = flags[name]
        if not path:
            raise ValueError(f"--mode={mode} needs --{name}; got nothing")
        if name in ("source", "input", "annotations") and not os.path.exists(path):
            raise ValueError(f"--{name} must name what is there; {path} is not")
