"""Parameters of the golden files: pure functions of salt, name, shape and kind.

Source: golden_weights.md.
"""

import math
import zlib

import numpy as np


def draw(salt, name, shape):
    """Return the float64 standard normal draw in a parameter's reference shape."""
    seed = zlib.crc32((salt + name).encode())
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(size=shape)


def fill(salt, name, shape, kind, constant=1.0):
    """Return a parameter as float32 (int64 for counters).

    Args:
        salt: of the golden file, its `weights_salt`.
        name: reference name without "module.".
        shape: reference shape, for kernels output channels first.
        kind: as golden_weights.md calls it.
        constant: initial value of a "scaled_norm_weight".
    """
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    z = draw(salt, name, shape)
    return np.asarray(_value(z, kind, constant), np.float32)


def _value(z, kind, constant):
    match kind:
        case "conv" | "linear":
            return z * np.sqrt(2 / math.prod(z.shape[1:]))
        case "conv_transpose":
            return z * np.sqrt(2 / (z.shape[0] * math.prod(z.shape[2:])))
        case "conv_equalized" | "linear_equalized" | "embedding":
            return z
        case "bias" | "norm_bias" | "running_mean" | "other":
            return z * 0.1
        case "norm_weight":
            return 1 + 0.1 * z
        case "scaled_norm_weight":
            return constant * (1 + 0.1 * z)
        case "running_var":
            return 1 + 0.2 * np.abs(z)
        case "prelu":
            return 0.25 + 0.05 * z
        case "sn_u" | "sn_v":
            return z / np.sqrt(np.sum(z**2))
    raise ValueError(f"no kind of golden parameter is called {kind!r}")


def relative_error(got, expected):
    """Return the largest absolute error over the largest absolute value."""
    return np.max(np.abs(np.asarray(got) - expected)) / np.max(np.abs(expected))
