"""The plane that a crowd stands on, and the ceiling above it, in perspective."""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from tfds_builders.synthetic_crowd import layers

KINDS = ("tiles", "planks", "grass", "plain")


def pattern(rng: np.random.Generator, kind: str, colour: ArrayLike) -> np.ndarray:
    """Return ground that can be laid side by side, uint8 [128, 128, 3].

    Args:
        rng: source of every choice.
        kind: one of `KINDS`.
        colour: three values 0 to 255.
    """
    light = 1 + 0.1 * layers.noise(rng, 128, 128)
    light[-32:] += (light[:32] - light[-32:]) * np.linspace(0, 1, 32)[:, None]
    light[:, -32:] += (light[:, :32] - light[:, -32:]) * np.linspace(0, 1, 32)
    if kind == "tiles":
        light[::32] *= 0.7
        light[:, ::32] *= 0.7
        light *= np.kron(rng.uniform(0.9, 1.1, (4, 4)), np.ones((32, 32)))
    elif kind == "planks":
        light *= np.kron(rng.uniform(0.8, 1.15, (1, 8)), np.ones((128, 16)))
        light[:, ::16] *= 0.6
    elif kind == "grass":
        light *= rng.uniform(0.7, 1.25, (128, 128))
    return layers.tint(colour, light)


def lay(
    rng: np.random.Generator,
    canvas: np.ndarray,
    horizon: float,
    tile: np.ndarray,
    far: ArrayLike,
    below: bool = True,
) -> None:
    """Lay a pattern on the floor or the ceiling, in place.

    Args:
        rng: source of every choice.
        canvas: uint8 [H, W, 3].
        horizon: its row, pixels.
        tile: uint8 [128, 128, 3], the pattern.
        far: colour that the distance takes on, three values 0 to 255.
        below: whether the floor is meant, below the horizon, else the ceiling.
    """
    height, width = canvas.shape[:2]
    first = int(np.clip(np.ceil(horizon), 0, height))
    top, bottom = (first, height) if below else (0, first)
    if bottom - top < 2:
        return
    # Half the size is enough for a ground, and four times as fast.
    rows = np.arange(top, bottom, 2)
    distance = np.abs(rows - horizon) / height
    zoom = rng.uniform(1.5, 3.5) * 128
    depth = height * zoom * rng.uniform(0.5, 0.9)
    centre = width * rng.uniform(0.3, 0.7)
    step = 1 if below else -1
    matrix = np.array(
        [
            [2 * zoom, 0, -zoom * centre],
            [0, 0, depth],
            [0, 2 * step, step * (top - horizon) + 1e-3],
        ]
    )
    plane = cv2.warpPerspective(
        tile,
        matrix,
        ((width + 1) // 2, len(rows)),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    # Far rows hold more than one tile per pixel: they show the mean, not moiré.
    air = np.exp(-distance * 14)[:, None, None] * 0.6
    detail = np.clip(distance * 2.5, 0, 1)[:, None, None] ** 1.5 * (1 - air)
    flat = tile.reshape(-1, 3).mean(0) * (1 - air - detail) + np.asarray(far) * air
    mixed = (plane * detail.astype(np.float32) + flat.astype(np.float32)).astype(
        np.uint8
    )
    canvas[top:bottom] = cv2.resize(mixed, (width, bottom - top))
