"""Settings as a flat list of fields: to compare them, and to check their values."""

import dataclasses
import math
from typing import Any

from safefakes_tf.config import names

_SEEDS = (0, 2**32 - 1)  # what NumPy takes
# Fields that are numbers, and from where to where they go.
_RANGES = {
    "seed": _SEEDS,
    "data.jpeg_quality": (1, 100),
    "data.crowd.num_train": (1, math.inf),
    "data.crowd.num_validation": (1, math.inf),
    "data.crowd.width": (32, math.inf),  # a stride of the detector
    "data.crowd.height": (32, math.inf),
    "data.crowd.min_face": (1, math.inf),
    "data.crowd.max_people": (1, math.inf),
    "data.crowd.seed": _SEEDS,
    "model.input_size": (64, math.inf),
    "model.width_multiplier": (1 / 64, 4),
    "loop.total_steps": (1, math.inf),
    "loop.global_batch_size": (1, math.inf),
    "loop.log_every": (1, math.inf),
    "loop.checkpoint_every": (1, math.inf),
    "loop.image_summary_every": (1, math.inf),
    "gan.total_images": (1, math.inf),
    "gan.phase_images": (0, math.inf),
    "gan.generator_steps": (1, math.inf),
    "gan.identity_weight": (0, math.inf),
}
_POSITIVE = (
    "optimizer.learning_rate",
    "gan.generator_learning_rate",
    "gan.discriminator_learning_rate",
    "inference.scale",
)
_CHOICES = {
    "data.anonymize": ("stored", "on_the_fly"),
    "data.image_format": ("jpeg", "png"),
    "data.anonymization.paste": ("square", "box"),
    "inference.ap_arithmetic": ("python", "matlab"),
    "optimizer.kind": ("sgd", "adam"),
    "model.upsampling": ("align_corners", "half_pixel"),
    "model.channel_order": ("rgb", "bgr"),
    "loop.mixed_precision": ("float32", "mixed_bfloat16", "mixed_float16"),
}
_KERNELS = ("data.anonymization.blur_kernel", "data.anonymization.fullblur_kernel")


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Return the fields of settings by their paths, e.g. `loop.total_steps`.

    Args:
        settings: a dataclass, possibly nested.
        prefix: of all paths.
    """
    found = {}
    for field in dataclasses.fields(settings):
        value, path = getattr(settings, field.name), f"{prefix}{field.name}"
        nested = dataclasses.is_dataclass(value)
        found |= flatten(value, f"{path}.") if nested else {path: value}
    return found


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Return lines `a.b: old -> new` for the fields in which two settings differ.

    Args:
        old, new: dataclasses; a field that one of them lacks counts as none.
        prefix: of all paths.
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


def named_choices() -> dict[str, tuple[str, ...]]:
    """Return the values that fields may have, where these have names."""
    tables = {
        "data.dataset": tuple(names.DATASETS),
        "data.anonymizer": names.anonymizers(),
    }
    return tables | _CHOICES


def validate(settings: Any) -> Any:
    """Return the settings of a mode if its named choices and ranges hold.

    Raises:
        ValueError: one line that names the field, what it allows and what came.
    """
    values, choices = flatten(settings), named_choices()
    for path, value in values.items():
        if path == "study_anonymizers":
            for name in value:
                names.check_choice(path, name, names.anonymizers())
        elif path in choices and value is not None:
            names.check_choice(path, value, choices[path])
        elif path in _RANGES:
            _check_range(path, value, *_RANGES[path])
        elif path in _POSITIVE and not 0 < value < math.inf:
            raise ValueError(f"{path} must be above 0, and finite; got {value:g}")
        elif path in _KERNELS and (value < 1 or value % 2 == 0):
            raise ValueError(f"{path} must be odd and positive; got {value}")
        elif path == "optimizer.ema" and value is not None and not 0 < value < 1:
            raise ValueError(
                f"{path} must lie between 0 and 1, or be none; got {value:g}"
            )
        elif path == "data.crowd.max_face":
            _check_range(path, value, values["data.crowd.min_face"], math.inf)
    return settings


def _check_range(path, value, low, high):
    if low <= value <= high and value < math.inf:
        return
    limits = f"from {low:.10g} to {high:.10g}"
    if high == math.inf:
        limits = f"at least {low:.10g}" + (" and finite" if value == high else "")
    raise ValueError(f"{path} must be {limits}; got {value:.10g}")
