"""Rectangles around other shapes. All numbers share one unit, y points down."""

import math
from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]  # x, y, width, height


def around(points: Sequence[Sequence[float]]) -> Box:
    """Return the rectangle around points (x, y); NaN if one of them is.

    Raises:
        ValueError: if they are no points.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError("expected points of x and y")
    (x, y), (far_x, far_y) = points.min(axis=0), points.max(axis=0)
    return float(x), float(y), float(far_x - x), float(far_y - y)


def around_rotated(box: Box, degrees: float, pivot: tuple[float, float]) -> Box:
    """Return the rectangle around a box that is turned clockwise around a pivot.

    The pivot is in units of the box: (0, 0) is its upper left corner, (0.5, 0.5) its
    middle.
    """
    x, y, width, height = map(float, box)
    angle = math.radians(float(degrees) % 360)
    centre = np.array([x + pivot[0] * width, y + pivot[1] * height])
    corners = [[x, y], [x + width, y], [x, y + height], [x + width, y + height]]
    turn = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    return around((np.array(corners) - centre) @ np.array(turn) + centre)
