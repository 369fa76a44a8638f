"""Which file has the weights of a generator: those of the project, where they serve.

Such a file is called `<anonymizer>_<what its network learnt from>.npz`; see the README
beside them.
"""

import dataclasses
import os
import pathlib
import re

from safefakes_tf.config import names
from safefakes_tf.config.data import AnonymizedConfig, DataConfig

WEIGHTS = pathlib.Path(__file__).parents[1] / "weights"
# Where they lay up to version 0.5.0, in any copy of the project.
_OLD_PATH = re.compile(r"(?:.*/)?safefakes_tf/demonstration/(\w+)\.npz")


def bundled_weights(data: AnonymizedConfig) -> str | None:
    """Return the file of the project's own weights of a generator if they serve.

    On a data set those serve that its row in `names.DATASETS` names; on a folder of
    photos, which is no data set, those that learnt from portraits.
    """
    dataset = getattr(data, "dataset", None)
    learnt_from = names.DATASETS[dataset].weights if dataset else names.PORTRAITS
    path = WEIGHTS / f"{data.anonymizer}_{learnt_from}.npz"
    return str(path) if names.network(data.anonymizer) and path.is_file() else None


def with_bundled_weights(data: AnonymizedConfig) -> AnonymizedConfig:
    """Return `data` with `bundled_weights` if no others are named."""
    weights = data.anonymization.weights or bundled_weights(data)
    anonymization = dataclasses.replace(data.anonymization, weights=weights)
    return dataclasses.replace(data, anonymization=anonymization)


def with_anonymizer(data: DataConfig, name: str) -> DataConfig:
    """Return `data` for one of several anonymizers.

    Weights stay with the anonymizer that they were named for; other generators get
    those of the project, if they serve.
    """
    anonymization = data.anonymization
    if name != data.anonymizer:
        anonymization = dataclasses.replace(anonymization, weights=None)
    return with_bundled_weights(
        dataclasses.replace(data, anonymizer=name, anonymization=anonymization)
    )


def moved(path: str) -> str:
    """Return where a file lies that an older version brought, else `path` itself."""
    old = _OLD_PATH.fullmatch(path)
    return str(WEIGHTS / f"{old[1]}_{names.CROWD}.npz") if old else path


def find_weights(path: str | os.PathLike | None, method: str) -> pathlib.Path:
    """Return the path of a generator's file if it is there.

    Raises:
        ValueError: if none is named or it is not there; says how to get one.
    """
    if path is None:
        reason = f"{method} needs the weights of a generator"
    elif not pathlib.Path(path).is_file():
        reason = f"no generator at {path}"
    else:
        return pathlib.Path(path)
    published = (
        f", or import published ones with --mode=import_weights --model={method}"
        if method in names.imported()
        else ""
    )
    raise ValueError(
        f"{reason}: train it with --mode=train_anonymizer --anonymizer={method}"
        f"{published}; then name the file with --weights=FILE"
    )
