"""How this process rounds: what equal bytes hold for.

The last digit of a sum depends on the order of its terms, and that on the libraries and
instructions that compute it. So two machines generate photos that differ by a level
here and there, where one machine, asked twice, gives the same bytes.
"""

import os
import pathlib
import platform
import re

import keras
import tensorflow as tf

_CPUINFO = pathlib.Path("/proc/cpuinfo")  # of Linux
# Of the flags of a processor, those that oneDNN chooses its code by; the best last.
_FLAGS = ("avx", "avx2", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile")
_WITH_BFLOAT16 = _FLAGS[-2:]


def describe() -> dict[str, str]:
    """Return what the rounding of this process depends on, as JSON has it.

    Returns:
        `tensorflow`, its version; `onednn`, whether TensorFlow computes with it: `on`,
        `off`, or `by processor` where nobody said; `instruction_set`, the best of the
        processor and the limit that oneDNN was given; `devices`, the GPUs or `cpu`;
        `precision` of the layers, and of products on GPUs.
    """
    onednn = {"0": "off", "1": "on"}
    gpus = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, gpus)
    precision = keras.config.dtype_policy().name
    if gpus and tf.config.experimental.tensor_float_32_execution_enabled():
        precision += ", products in TF32"
    return {
        "tensorflow": tf.__version__,
        "onednn": onednn.get(os.environ.get("TF_ENABLE_ONEDNN_OPTS"), "by processor"),
        "instruction_set": _instruction_set(),
        "devices": ", ".join(each.get("device_name", "gpu") for each in details)
        or "cpu",
        "precision": precision,
    }


def processor_flags() -> set[str]:
    """Return the flags of the processor, as Linux names them; elsewhere none."""
    return set(re.findall(r"\w+", _CPUINFO.read_text() if _CPUINFO.exists() else ""))


def has_bfloat16() -> bool:
    """Tell whether oneDNN multiplies bfloat16 by instructions of the processor."""
    described = describe()
    return (
        described["onednn"] != "off"
        and described["devices"] == "cpu"
        and described["instruction_set"].endswith(_WITH_BFLOAT16)
    )


def _instruction_set():
    found = processor_flags() & {*_FLAGS}
    best = max(found, key=_FLAGS.index, default="")
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
    words = platform.machine(), best, limit and f"at most {limit}"
    return " ".join(filter(None, words))
