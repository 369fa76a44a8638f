"""A software rasterizer that treats all triangles of one size as one array."""

from typing import NamedTuple

import numpy as np

# Triangles are grouped by the side of their bounding box, in pixels.
_SIDES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512)
_CANDIDATES_AT_ONCE = 4_000_000


class Fragments(NamedTuple):
    """Covered pixels; each array has one entry per fragment.

    Attributes:
        pixel: int32, flat index into the picture.
        depth: float32, distance along the viewing axis.
        triangle: int32, index of the triangle.
        weights: float32 [F, 3], perspective-correct barycentric weights.
    """

    pixel: np.ndarray
    depth: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Interpolates per-vertex `values` [V, ...] at every fragment."""
        corners = triangles[self.triangle]
        weights = self.weights
        if values.ndim > 1:
            weights = weights[:, :, None]
        result = values[corners[:, 0]] * weights[:, 0]
        result += values[corners[:, 1]] * weights[:, 1]
        result += values[corners[:, 2]] * weights[:, 2]
        return result

    def take(self, index: np.ndarray) -> "Fragments":
        """Returns the fragments chosen by an index array or a boolean mask."""
        return Fragments(*(part[index] for part in self))


def _bin_fragments(corners, depth, inverse_area, first, side, width, height):
    """Tests the `side`×`side` pixels at `first` of each triangle of one bin."""
    step = np.arange(side, dtype=np.float32)
    px = first[:, 0, None, None] + step[None, None, :] + 0.5
    py = first[:, 1, None, None] + step[None, :, None] + 0.5
    a, b, c = (corners[:, k, :, None, None] for k in range(3))
    scale = inverse_area[:, None, None]
    dx, dy = px - a[:, 0], py - a[:, 1]
    w1 = (dx * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * dy) * scale
    w2 = ((b[:, 0] - a[:, 0]) * dy - dx * (b[:, 1] - a[:, 1])) * scale
    inside = (w1 >= 0) & (w2 >= 0) & (w1 + w2 <= 1)
    inside &= (px > 0) & (px < width) & (py > 0) & (py < height)
    which, row, column = np.nonzero(inside)
    w1, w2 = w1[inside], w2[inside]
    x = first[which, 0].astype(np.int32) + column.astype(np.int32)
    y = first[which, 1].astype(np.int32) + row.astype(np.int32)
    weights = np.stack([1 - w1 - w2, w1, w2], 1) / depth[which]
    inverse_depth = weights[:, 0] + weights[:, 1] + weights[:, 2]
    weights /= inverse_depth[:, None]
    return (y * width + x).astype(np.int32), 1 / inverse_depth, which, weights


def _fold(function, corners):
    """Reduces over the three corners; far faster than a reduction of axis 1."""
    return function(function(corners[:, 0], corners[:, 1]), corners[:, 2])


def fragments(
    points: np.ndarray,
    depth: np.ndarray,
    triangles: np.ndarray,
    size: tuple[int, int],
    cull: bool = True,
) -> Fragments:
    """Finds all pixels whose centre lies in a triangle.

    Args:
        points: float32 [V, 2], x and y in pixels.
        depth: float32 [V], positive distance from the eye.
        triangles: int [T, 3], counter-clockwise seen from outside (y up).
        size: height and width of the picture.
        cull: leave out the triangles that face away.

    Returns:
        Fragments in no particular order, several per pixel where surfaces overlap.
    """
    height, width = size
    points = points.astype(np.float32)
    corners = points[triangles]
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    low, high = _fold(np.minimum, corners), _fold(np.maximum, corners)
    first = np.floor(low - 0.5)
    extent = np.ceil(high - first)
    extent = np.maximum(extent[:, 0], extent[:, 1]) + 1
    shown = (area < -1e-9) if cull else (np.abs(area) > 1e-9)
    shown &= (high[:, 0] > 0) & (high[:, 1] > 0)
    shown &= (low[:, 0] < width) & (low[:, 1] < height)
    shown &= _fold(np.minimum, depth[triangles]) > 0
    parts = []
    bins = np.searchsorted(_SIDES, extent)
    for number in np.unique(bins[shown & (bins < len(_SIDES))]):
        side = _SIDES[number]
        chosen = np.flatnonzero(shown & (bins == number))
        block = max(1, _CANDIDATES_AT_ONCE // side**2)
        for start in range(0, len(chosen), block):
            index = chosen[start : start + block]
            pixel, z, which, weights = _bin_fragments(
                corners[index],
                depth[triangles[index]].astype(np.float32),
                1 / area[index],
                first[index],
                side,
                width,
                height,
            )
            parts.append((pixel, z, index[which].astype(np.int32), weights))
    if not parts:
        empty = np.zeros(0, np.int32)
        return Fragments(empty, empty.astype(np.float32), empty, np.zeros((0, 3)))
    return Fragments(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def nearest(found: Fragments, size: tuple[int, int]) -> Fragments:
    """Keeps the nearest fragment of every pixel, in pixel order."""
    order = np.argsort(-found.depth, kind="stable")
    winner = np.full(size[0] * size[1], -1, np.int64)
    winner[found.pixel[order]] = order  # the last, nearest one stays
    return found.take(winner[winner >= 0])


def depth_picture(found: Fragments, size: tuple[int, int]) -> np.ndarray:
    """Returns the float32 [H, W] depth of the nearest surface, inf where none."""
    order = np.argsort(-found.depth, kind="stable")
    picture = np.full(size[0] * size[1], np.inf, np.float32)
    picture[found.pixel[order]] = found.depth[order]
    return picture.reshape(size)
