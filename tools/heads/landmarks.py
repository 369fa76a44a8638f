"""Places of the 68 ibug landmarks and the ears on the base mesh.

Every place is a point inside a triangle, found once by shooting a ray at the neutral
base shape; it then moves with the mesh through all shapes, expressions and poses.
"""

import functools

import numpy as np

from tools.heads import mesh

_AXIS = 0.6  # depth of the vertical axis through the head, base coordinates

# Jaw from the ear (first) to the chin: angle from straight ahead in degrees, height.
_JAW = (
    (74, 7.22),
    (71, 6.99),
    (67, 6.77),
    (61, 6.57),
    (52, 6.43),
    (39, 6.32),
    (26, 6.245),
    (13, 6.205),
    (0, 6.19),
)
# The other points as seen from the front: distance from the midline, height.
_BROW = ((0.56, 7.42), (0.46, 7.48), (0.35, 7.5), (0.24, 7.49), (0.13, 7.455))
_BRIDGE = ((0, 7.27), (0, 7.15), (0, 7.03), (0, 6.915))
_NOSE_BASE = ((0.125, 6.845), (0.065, 6.82), (0, 6.803))
_EYE = (
    (0.455, 7.284),
    (0.36, 7.345),
    (0.255, 7.338),
    (0.165, 7.268),
    (0.25, 7.233),
    (0.355, 7.233),
)
_LIPS = (
    (-0.258, 6.606),
    (-0.16, 6.69),
    (-0.065, 6.727),
    (0, 6.715),
    (0.065, 6.727),
    (0.16, 6.69),
    (0.258, 6.606),
    (0.16, 6.525),
    (0.07, 6.493),
    (0, 6.488),
    (-0.07, 6.493),
    (-0.16, 6.525),
    (-0.225, 6.607),
    (-0.1, 6.621),
    (0, 6.622),
    (0.1, 6.621),
    (0.225, 6.607),
    (0.1, 6.595),
    (0, 6.595),
    (-0.1, 6.595),
)
_EAR = (84, 7.07)


def _front_points():
    """Points 17 to 67, x to the person's left, in ibug order."""
    right = [(-x, y) for x, y in _BROW]
    left = [(x, y) for x, y in _BROW[::-1]]
    base = [(-x, y) for x, y in _NOSE_BASE] + [(x, y) for x, y in _NOSE_BASE[1::-1]]
    right_eye = [(-x, y) for x, y in _EYE]
    left_eye = [(_EYE[k][0], _EYE[k][1]) for k in (3, 2, 1, 0, 5, 4)]
    return right + left + list(_BRIDGE) + base + right_eye + left_eye + list(_LIPS)


def _first_hit(origin, direction, vertices, triangles):
    """Returns the triangle number and weights of the first hit of one ray."""
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    e1, e2 = b - a, c - a
    p = np.cross(direction, e2)
    determinant = (e1 * p).sum(1)
    determinant[np.abs(determinant) < 1e-12] = np.inf
    s = origin - a
    u = (s * p).sum(1) / determinant
    q = np.cross(s, e1)
    v = (q * direction).sum(1) / determinant
    distance = (q * e2).sum(1) / determinant
    missed = (u < -1e-9) | (v < -1e-9) | (u + v > 1 + 1e-9) | (distance <= 0)
    hit = int(np.argmin(np.where(missed, np.inf, distance)))
    return hit, (1 - u[hit] - v[hit], u[hit], v[hit])


@functools.cache
def places() -> tuple[np.ndarray, np.ndarray]:
    """Finds the landmarks on the base mesh.

    Returns:
        int32 [70, 3] vertex numbers and float32 [70, 3] weights: the 68 points in ibug
        order (the person's right comes first), then the left and the right ear.
    """
    base = mesh.load()
    body = base.triangles["body"]
    angles = [(-a, y) for a, y in _JAW] + [(a, y) for a, y in _JAW[-2::-1]]
    rays = [_inward_ray(a, y) for a, y in angles]
    forward = np.array([0.0, 0.0, -1.0])
    rays += [(np.array([x, y, 9.0]), forward) for x, y in _front_points()]
    rays += [_inward_ray(_EAR[0], _EAR[1]), _inward_ray(-_EAR[0], _EAR[1])]
    hits = [_first_hit(o, d, base.vertices, body) for o, d in rays]
    corners = np.array([body[hit] for hit, _ in hits], np.int32)
    return corners, np.array([weights for _, weights in hits], np.float32)


def _inward_ray(degrees, height):
    """A horizontal ray from outside to the axis of the head."""
    angle = np.radians(degrees)
    outward = np.array([np.sin(angle), 0.0, np.cos(angle)])
    return np.array([0.0, height, _AXIS]) + 9.0 * outward, -outward


def locate(vertices: np.ndarray) -> np.ndarray:
    """Returns float32 [70, C]: the landmarks for per-vertex values [V, C]."""
    corners, weights = places()
    return (vertices[corners] * weights[:, :, None]).sum(1)
