"""Places for a crowd, empty."""

import numpy as np

from tfds_builders.synthetic_crowd import indoors, outdoors

_PLACES = (outdoors.street, outdoors.park, indoors.room, indoors.hall)
_SHARES = (0.3, 0.2, 0.32, 0.18)


def draw(
    rng: np.random.Generator, height: int, width: int, horizon: float, foot: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw an empty place.

    Args:
        rng: source of every choice.
        height, width: size in pixels.
        horizon: row of the horizon, pixels.
        foot: row on which the farthest person stands, pixels.

    Returns:
        image uint8 [height, width, 3]; colour of the air, float [3].
    """
    place = _PLACES[rng.choice(len(_PLACES), p=_SHARES)]
    canvas = np.zeros((height, width, 3), np.uint8)
    return canvas, place(rng, canvas, horizon, foot)
