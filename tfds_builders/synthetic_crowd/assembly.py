"""Lays people and things over each other and keeps count of what stays visible."""

from typing import NamedTuple

import numpy as np

from tfds_builders.synthetic_crowd import layers


class Item(NamedTuple):
    """Something that stands in the scene; larger faces at its depth are nearer."""

    depth: float
    patch: np.ndarray
    top: int
    left: int
    person: int  # index of the person, -1 for a thing


def assemble(
    image: np.ndarray,
    items: list[Item],
    outlines: list[tuple[np.ndarray, np.ndarray, float]],
) -> list[float]:
    """Lay the items over the image, far to near, in place.

    Args:
        image: uint8 [H, W, 3], the empty place.
        items: what stands in it, in any order.
        outlines: of each person's face centre (x y, pixels), radii (pixels) and turn
            (radians) of the ellipse that it fills.

    Returns:
        Of each face the share that something covers or that lies outside.
    """
    height, width = image.shape[:2]
    owner = np.full((height, width), -2, np.int16)
    stencils = [_stencil(*outline, height, width) for outline in outlines]
    own = [0] * len(outlines)
    for item in sorted(items, key=lambda item: item.depth):
        layers.over(image, item.patch, item.top, item.left)
        top, left = max(item.top, 0), max(item.left, 0)
        alpha = item.patch[top - item.top :, left - item.left :, 3]
        window = owner[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        window[alpha[: window.shape[0], : window.shape[1]] > 127] = item.person
        if item.person >= 0:
            window, mask, _ = stencils[item.person]
            own[item.person] = np.count_nonzero(mask & (owner[window] == item.person))
    covered = []
    for number, (window, mask, inside) in enumerate(stencils):
        visible = np.count_nonzero(mask & (owner[window] == number))
        covered.append(1 - inside * visible / max(own[number], 1))
    return covered


def _stencil(centre, radii, turn, height: int, width: int):
    """Return window, mask in it, and the share of the ellipse inside the picture."""
    reach = int(np.ceil(max(radii))) + 1
    x, y = np.floor(centre).astype(int)
    size = 2 * reach + 1
    rows, columns = np.mgrid[:size, :size]
    dx = columns + x - reach + 0.5 - centre[0]
    dy = rows + y - reach + 0.5 - centre[1]
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = (dx * cos + dy * sin) / radii[0], (dy * cos - dx * sin) / radii[1]
    full = u * u + v * v <= 1
    top, left = y - reach, x - reach
    part = full[
        max(-top, 0) : max(height - top, 0), max(-left, 0) : max(width - left, 0)
    ]
    window = np.s_[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)]
    return window, part, part.sum() / max(full.sum(), 1)
