"""The precision of a network's numbers, chosen by what the machine computes fast."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from safefakes_tf import arithmetic

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "mixed_bfloat16"
# Of NVIDIA GPUs: from this one on (Ampere) they multiply bfloat16.
LEAST_CAPABILITY = (8, 0)
# On a processor with AVX-512 BF16 alone, steps and passes are slower than in float32
# (`benchmarks/hardware.py`).
CPU_FLAG = "amx_bf16"


def best(devices: str = "auto") -> str:
    """Return the policy of Keras that suits the devices of this process.

    Args:
        devices: of the settings, see `training.strategy.create`.

    Returns:
        `mixed_bfloat16` if all of them have units for it; else `float32`, which is TF32
        in the products of GPUs that know that.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and not devices.startswith("cpu"):
        details = map(tf.config.experimental.get_device_details, gpus)
        capabilities = [each.get("compute_capability", (0, 0)) for each in details]
        fast = min(capabilities) >= LEAST_CAPABILITY
    else:
        fast = CPU_FLAG in arithmetic.processor_flags()
    return BFLOAT16 if fast else FLOAT32


def resolved(settings: Any) -> Any:
    """Return settings with what `auto` means here, which is told.

    A work folder stores them so: a run that goes on elsewhere goes on in the same
    precision, or is refused.

    Args:
        settings: of a training; `loop.mixed_precision` and `devices` are read.
    """
    if settings.loop.mixed_precision != AUTO:
        return settings
    policy = best(settings.devices)
    print(f"precision: {policy} (auto)", flush=True)
    loop = dataclasses.replace(settings.loop, mixed_precision=policy)
    return dataclasses.replace(settings, loop=loop)


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Build networks inside in a policy of Keras, whatever the process is set to."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
