"""Glasses, hats and head scarves as extra surfaces around a head."""

from typing import NamedTuple

import numpy as np

from tools.heads import mesh
from tools.heads.identity import Identity, linear
from tools.heads.paint import look_up, noise, smooth

# Lower edge of hats: height at an angle from straight ahead (radians).
_EDGES = {
    "beanie": ((0, 1.0, 1.6, 2.2, 3.15), (7.74, 7.62, 7.36, 7.2, 7.05)),
    "cap": ((0, 1.0, 1.6, 2.2, 3.15), (7.82, 7.72, 7.5, 7.4, 7.3)),
    "brimmed": ((0, 1.0, 1.6, 2.2, 3.15), (7.84, 7.74, 7.55, 7.45, 7.4)),
}
_FRAMES = {  # half width, half height, corner exponent, tube radius
    "round": (0.225, 0.2, 2.0, 0.014),
    "square": (0.245, 0.17, 4.5, 0.02),
    "thin": (0.235, 0.15, 3.0, 0.008),
    "dark": (0.255, 0.2, 3.2, 0.018),
}


class Surface(NamedTuple):
    """An extra piece of mesh.

    Attributes:
        shape: float32 [V, 3], positions on the person, before turning.
        base: float32 [V, 3], base coordinates, which decide how it turns.
        triangles: int32 [T, 3].
    """

    shape: np.ndarray
    base: np.ndarray
    triangles: np.ndarray


def fit(shape: np.ndarray):
    """Returns the function that carries base coordinates onto a person's head."""
    base = mesh.load()
    index = np.unique(base.triangles["body"])
    index = index[(base.vertices[index, 1] > 6.6) & (base.masks["ears"][index] < 0.5)]
    rest, grown = base.vertices[index], shape[index]
    low, start = rest.min(0), grown.min(0)
    factor = (grown.max(0) - start) / (rest.max(0) - low)
    return lambda points: ((points - low) * factor + start).astype(np.float32)


def _angle(base):
    return np.abs(np.arctan2(base[:, 0], base[:, 2] - 0.5))


def cover(base: np.ndarray, headwear: str) -> np.ndarray:
    """Signed distance in decimetres into the covered region; > 0 is under cloth."""
    if headwear == "none":
        return np.full(len(base), -1.0)
    if headwear != "scarf":
        return base[:, 1] - np.interp(_angle(base), *_EDGES[headwear])
    tall = np.where(base[:, 1] > 7.05, 0.80, 0.90)
    oval = np.hypot(base[:, 0] / 0.62, (base[:, 1] - 7.05) / tall) - 1
    behind = smooth(0.95, 0.6, base[:, 2]) * 1.2
    u = base[:, 0] * 0.25
    hem = base[:, 1] - 4.6 - 0.08 * look_up(noise(25), u, u)
    return np.minimum(np.maximum(oval * 0.6, behind - 0.3), hem)


def _shell(person, shape, normals):
    """The covered skin, lifted off the head."""
    base = mesh.load()
    body = base.triangles["body"]
    depth = cover(base.vertices, person.headwear)
    chosen = body[depth[body].max(1) > -0.02]
    index, flat = np.unique(chosen, return_inverse=True)
    rest = base.vertices[index]
    place = shape[index].copy()
    triangles = flat.reshape(-1, 3).astype(np.int32)
    top = smooth(7.8, 8.45, rest[:, 1])
    lift = {"beanie": 0.1 + 0.1 * top, "cap": 0.11 + 0.07 * top}.get(
        person.headwear, 0.11 + 0.3 * top
    )
    if person.headwear == "scarf":
        neck = smooth(5.4, 5.8, rest[:, 1]) * smooth(6.45, 6.1, rest[:, 1])
        lift = 0.06 + 0.16 * neck
        out = normals[index].copy()
        fold = look_up(noise(18, 2.0), rest[:, 0] * 0.3, rest[:, 1] * 0.2)
        lift = lift + 0.015 * fold
    else:
        out = normals[index]
    place = place + out * np.reshape(lift, (-1, 1))
    ears = np.clip(base.masks["ears"][index] * 4, 0, 1)  # cloth spans the ears
    place = mesh.relax(place.astype(np.float32), triangles, ears, 60)
    return Surface(place, rest, triangles)


def _two_sided(grid):
    """A sheet of points [R, C, 3] with a front and a back of their own normals."""
    rows, columns = grid.shape[:2]
    k = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = k[:-1, :-1], k[:-1, 1:], k[1:, :-1], k[1:, 1:]
    one = np.stack([a, b, c, b, d, c], -1).reshape(-1, 3)
    points = grid.reshape(-1, 3).astype(np.float32)
    triangles = np.concatenate([one, one[:, ::-1] + rows * columns])
    return np.concatenate([points, points]), triangles.astype(np.int32)


def _brim(person, shape):
    """The visor of a cap or the brim of a hat."""
    around = np.linspace(-1, 1, 49)
    out = np.linspace(0, 1, 8)
    if person.headwear == "cap":
        turn = around * 0.95
        width = 0.72 * np.cos(around * np.pi / 2.15) ** 0.7
        drop = 0.16 + 0.18 * around**2
    else:
        turn = around * np.pi
        width = np.full(49, 0.42 + 0.2 * person.traits["length"])
        drop = 0.06 - 0.12 * np.abs(np.sin(turn)) + 0 * around
    edge = np.interp(np.abs(turn), *_EDGES[person.headwear]) + 0.15
    reach = width[None] * out[:, None]
    x = np.sin(turn) * (0.75 + reach)
    z = 0.45 + np.cos(turn) * (0.96 + reach)
    y = edge[None] - drop[None] * out[:, None] ** 1.3
    sheet = np.stack([x, np.broadcast_to(y, x.shape), z], -1)
    base, triangles = _two_sided(sheet)
    high = base.copy()
    high[:, 1] = 9.0  # turns with the head and is never clipped
    return Surface(fit(shape)(base), high, triangles)


def headwear(person: Identity, shape, normals) -> list[Surface]:
    """Builds the surfaces of a hat or scarf; an empty list if there is none."""
    if person.headwear == "none":
        return []
    found = [_shell(person, shape, normals)]
    if person.headwear in ("cap", "brimmed"):
        found.append(_brim(person, shape))
    return found


def headwear_colour(base: np.ndarray, person: Identity) -> np.ndarray:
    """Linear albedo of hat or scarf, float32 [F, 3]."""
    angle = np.arctan2(base[:, 0], base[:, 2] - 0.5)
    grain = 0.05 * look_up(noise(1.0), angle * 0.3, base[:, 1] * 0.5)
    if person.headwear == "beanie":
        grain = grain + 0.16 * np.sin(angle * 46)
        grain = grain - 0.12 * smooth(0.28, 0.25, cover(base, "beanie"))
    elif person.headwear == "scarf":
        folds = look_up(noise(18, 2.0), base[:, 0] * 0.3, base[:, 1] * 0.2)
        grain = grain + 0.1 * folds
    elif person.headwear == "cap":
        seam = np.abs(np.sin(angle * 3)) < 0.035
        grain = grain - 0.25 * seam * (base[:, 1] < 8.9)
    else:
        band = (cover(base, "brimmed") < 0.2) * (base[:, 1] < 8.9)
        grain = grain - 0.55 * band
    colour = person.headwear_colour[None] * (1 + grain)[:, None]
    return np.clip(colour, 0.004, 0.95).astype(np.float32)


def _tube(path, radius):
    """A round tube along a path of points [N, 3]."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, np.array([0.13, 0.31, 0.94]))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    other = np.cross(along, side)
    turn = np.linspace(0, 2 * np.pi, 7)
    ring = np.cos(turn)[:, None, None] * side + np.sin(turn)[:, None, None] * other
    return _two_sided(path[None] + radius * ring)


def _join(pieces):
    """Joins (points, triangles) pieces into one surface fixed to the head."""
    points, triangles, start = [], [], 0
    for piece, corners in pieces:
        points.append(piece)
        triangles.append(corners + start)
        start += len(piece)
    points = np.concatenate(points)
    base = np.tile(np.array([[0, 9.0, 0]], np.float32), (len(points), 1))
    return Surface(points, base, np.concatenate(triangles))


def glasses(person: Identity, shape, ears) -> tuple[Surface, Surface] | None:
    """Builds frame and lenses, or nothing.

    Args:
        person: who wears them.
        shape: float32 [V, 3] of the person.
        ears: float32 [2, 3], left and right ear on that shape.
    """
    if person.glasses == "none":
        return None
    base = mesh.load()
    wide, tall, corner, radius = _FRAMES[person.glasses]
    frame, lenses, inner = [], [], []
    for side, eye, ear in ((1, "left_eye", ears[0]), (-1, "right_eye", ears[1])):
        ball = shape[np.unique(base.triangles[eye])]
        centre = (ball.max(0) + ball.min(0)) / 2
        size = float(np.ptp(ball[:, 1])) / 0.27
        centre = centre + np.array([side * 0.02, -0.03, 0.0]) * size
        centre[2] = ball[:, 2].max() + 0.13 * size
        turn = np.linspace(0, 2 * np.pi, 41)
        c, s = np.cos(turn), np.sin(turn)
        grow = (np.abs(c) ** corner + np.abs(s) ** corner) ** (-1 / corner)
        x, y = wide * size * grow * c, tall * size * grow * s
        z = -0.25 * np.clip(x * side, 0, None) ** 2 / size
        rim = centre + np.stack([x, y, z], 1)
        frame.append(_tube(rim, radius * size))
        fan = np.stack([np.zeros(40, int), np.arange(1, 41), np.arange(2, 42)], 1)
        lenses.append((np.concatenate([centre[None], rim]).astype(np.float32), fan))
        outer = rim[np.argmax(rim[:, 0] * side)]
        inner.append(rim[np.argmin(rim[:, 0] * side)] + np.array([0, 0.05, 0]) * size)
        hook = ear + np.array([side * 0.06, 0.16, -0.05])
        bend = np.array([outer[0] + side * 0.05, outer[1] + 0.05, outer[2] - 0.12])
        t = np.linspace(0, 1, 12)[:, None]
        arm = (1 - t) ** 2 * outer + 2 * t * (1 - t) * bend + t**2 * hook
        frame.append(_tube(arm, radius * size * 0.9))
    t = np.linspace(0, 1, 9)[:, None]
    bridge = inner[0] * (1 - t) + inner[1] * t
    bridge = bridge + np.array([0, 0.05, 0.05]) * np.sin(np.pi * t)
    frame.append(_tube(bridge, radius * 1.1))
    return _join(frame), _join(lenses)


def frame_colour(person: Identity) -> np.ndarray:
    """Linear albedo of the glasses' frame."""
    metal = linear((150, 130, 95)) if person.number % 2 else linear((120, 120, 125))
    return metal if person.glasses == "thin" else person.frame
