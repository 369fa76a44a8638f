"""Hair as strands: grown on the base head, bent by a style, drawn as points.

Strands live in base coordinates, where every head is alike, and are carried to the
person's own head afterwards.
"""

import functools

import numpy as np
from scipy import interpolate

from tools.heads import mesh
from tools.heads.identity import Identity
from tools.heads.paint import around_head, look_up, noise, smooth
from tools.heads.roots import Strands, sample_roots, unit
from tools.heads.wear import cover

_CENTRE = np.array([0.0, 7.45, 0.45], np.float32)
_STEPS = 18
_TIE = np.array([0.0, 7.75, -0.62], np.float32)  # where tied hair comes together
# Height of the edge of the hair at an angle from straight ahead (radians).
_EDGE = ((0, 0.5, 0.75, 0.95, 1.18, 1.32, 1.45, 1.85, 2.1, 2.5, 3.15),
         (7.97, 7.95, 7.84, 7.66, 7.3, 7.2, 7.42, 7.42, 7.05, 6.85, 6.75))  # fmt: skip
LONG_STYLES = ("bob", "long", "wavy", "swept")
TIED_STYLES = ("bun", "ponytail")


def hair_edge(base: np.ndarray, person: Identity) -> np.ndarray:
    """Height above the edge of the hair in decimetres; > 0 grows hair."""
    angle = np.abs(np.arctan2(base[:, 0], base[:, 2] - 0.5))
    edge = np.interp(angle, *_EDGE)
    edge = edge - 0.05 * person.traits["hairline"] * smooth(0.9, 0.5, angle)
    if person.style == "receding":
        corners = np.exp(-(((angle - 0.42) / 0.22) ** 2))
        edge = edge + smooth(1.0, 0.7, angle) * 0.12 + 0.36 * corners
    if person.style == "bald":
        edge = np.where(angle < 1.2, 9.0, edge)
    u, v = around_head(base)
    ragged = look_up(noise(3), u * 0.5, v * 0.5) * 0.015
    height = base[:, 1] - edge + ragged
    if person.style == "bald":
        height = np.minimum(height, 7.72 + ragged - base[:, 1])
    return height


@functools.cache
def _radius_field():
    """Interpolates the distance from the middle of the head to its skin."""
    base = mesh.load()
    index = np.unique(base.triangles["body"])
    out = base.vertices[index] - _CENTRE
    index_kept = (base.masks["ears"][index] < 0.2) & (base.vertices[index, 1] > 6.3)
    out = out[index_kept]
    radius = np.linalg.norm(out, axis=1)
    azimuth = np.linspace(-3.142, 3.142, 121)
    polar = np.linspace(0, 3.142, 61)
    grid = np.stack(np.meshgrid(azimuth, polar, indexing="ij"), -1)
    flat = np.sin(grid[..., 1])
    where = np.stack(
        [
            np.sin(grid[..., 0]) * flat,
            np.cos(grid[..., 1]),
            np.cos(grid[..., 0]) * flat,
        ],
        -1,
    )
    near = interpolate.NearestNDInterpolator(out / radius[:, None], radius)
    return interpolate.RegularGridInterpolator((azimuth, polar), near(where))


def _push_out(points, clearance):
    """Moves points that are inside the head to `clearance` above its skin."""
    out = points - _CENTRE
    radius = np.linalg.norm(out, axis=1)
    polar = np.arccos(np.clip(out[:, 1] / np.maximum(radius, 1e-6), -1, 1))
    azimuth = np.arctan2(out[:, 0], out[:, 2])
    least = _radius_field()(np.stack([azimuth, polar], 1)) + clearance
    factor = np.maximum(1, least / np.maximum(radius, 1e-6))
    factor = 1 + (factor - 1) * smooth(6.3, 6.7, points[:, 1])
    return (_CENTRE + out * factor[:, None]).astype(np.float32)


def _style_flow(style, points, roots, normals, person):
    """Direction in which a hair of a style wants to go on, float32 [N, 3]."""
    up = np.array([0.0, 1.0, 0.0], np.float32)
    if style in TIED_STYLES:
        return unit(_TIE - points)
    if style in ("buzz", "afro", "curly"):
        return unit(normals - 0.15 * up)
    if style in LONG_STYLES or style == "side_part":
        part = person.traits["parting"] if style in ("side_part", "swept") else 0.06
        part = part * np.sign(person.traits["parting"])
        side = np.tanh((roots[:, 0] - part) / 0.05)
        sideways = smooth(7.2, 8.3, points[:, 1])
        sideways = sideways * smooth(0.8, 0.45, np.abs(points[:, 0]))
        flow = np.zeros_like(points)
        flow[:, 0] = side * sideways * 1.1
        flow[:, 1] = -1.0 + 0.75 * sideways
        flow[:, 2] = -0.7 * sideways * smooth(0.6, 1.2, points[:, 2]) - 0.1
        if style == "side_part":
            flow[:, 2] -= 0.25
        return unit(flow)
    crown = np.array([0.08, 8.35, -0.25], np.float32)
    away = unit(roots - crown)
    return unit(away - 0.25 * up + np.array([0.15, 0, 0.1], np.float32))


def _keep_off_face(points):
    """Leads hanging hair past the cheeks instead of over the face."""
    low = smooth(7.95, 7.7, points[:, 1]) * smooth(0.35, 0.6, points[:, 2])
    side = np.where(points[:, 0] < 0, -1, 1)
    width = np.interp(
        points[:, 1], [5.5, 6.3, 6.8, 7.3, 7.75], [0.62, 0.62, 0.7, 0.72, 0.6]
    )
    lacking = np.clip(width - np.abs(points[:, 0]), 0, None) * low
    points[:, 0] += side * lacking
    deep = np.clip(points[:, 2] - 1.0, 0, None) * low
    points[:, 2] -= 0.6 * deep
    return points


def _lengths(style, roots, person, rng):
    """Length of each hair in decimetres."""
    share, count = person.traits["length"], len(roots)
    jitter = rng.uniform(0.75, 1.05, count)
    top = smooth(7.3, 8.0, roots[:, 1])
    if style == "buzz":
        return (0.035 + 0.04 * share) * jitter
    if style in ("short", "receding", "bald"):
        return (0.14 + (0.18 + 0.3 * share) * top * (style != "bald")) * jitter
    if style == "side_part":
        return (0.18 + (0.45 + 0.35 * share) * top) * jitter
    if style == "curly":
        return (0.28 + 0.3 * share) * rng.uniform(0.5, 1.1, count)
    if style == "afro":
        return (0.45 + 0.5 * share) * rng.uniform(0.35, 1.05, count)
    if style == "bob":
        return np.clip(roots[:, 1] - (6.45 - 0.3 * share), 0.3, None) * 1.18 * jitter
    if style in TIED_STYLES:
        return np.linalg.norm(roots - _TIE, axis=1) * 1.15
    return np.clip(roots[:, 1] - (6.0 - 0.9 * share), 0.4, None) * 1.15 * jitter


def _thickness(style, person):
    share = person.traits["length"]
    return {
        "buzz": 0.03,
        "bald": 0.05,
        "short": 0.09 + 0.07 * share,
        "receding": 0.08,
        "side_part": 0.16 + 0.06 * share,
        "curly": 0.34,
        "afro": 0.9,
        "bun": 0.07,
        "ponytail": 0.07,
    }.get(style, 0.17)


def _grow(style, roots, normals, length, person, rng):
    """Bends every hair step by step; returns float32 [N, K, 3]."""
    count = len(roots)
    layer = (0.012 + _thickness(style, person) * rng.random(count) ** 0.8).astype(
        np.float32
    )
    lift = {"afro": 1.0, "curly": 0.9, "buzz": 0.8, "bun": 0.1, "ponytail": 0.1}
    lift |= dict.fromkeys(LONG_STYLES, 0.12)
    rise = lift.get(style, 0.45)
    flow = _style_flow(style, roots, roots, normals, person)
    heading = unit(rise * normals + (1 - rise) * flow)
    wobble = rng.standard_normal((count, 3))
    if style == "wavy":  # neighbours wave alike
        wobble = 0.35 * wobble + np.array([0.8, 0.0, 0.6]) * np.sign(roots[:, :1])
    wobble = unit(wobble).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, count)
    waves = 0.35 + 0.3 * person.traits["curl"]
    curl = {"afro": 0.8, "curly": 0.75, "wavy": waves}.get(style, 0.04)
    turns = {"afro": 3.0, "curly": 2.6, "wavy": 3.5}.get(style, 1.0)
    points, place = [roots], roots
    step = (length / (_STEPS - 1))[:, None].astype(np.float32)
    for k in range(1, _STEPS):
        flow = _style_flow(style, place, roots, normals, person)
        swing = np.sin(
            phase * (style != "wavy") + 2 * np.pi * turns * k / _STEPS + 3 * roots[:, 0]
        )
        heading = unit(0.55 * heading + 0.45 * flow + curl * wobble * swing[:, None])
        heading = heading.astype(np.float32)
        place = place + heading * step
        if style not in ("afro", "buzz"):
            place = _push_out(place, layer * smooth(0, 4, k))
        if style in LONG_STYLES:
            place = _keep_off_face(place)
        points.append(place)
    return np.stack(points, 1).astype(np.float32)


def _tail(style, person, rng):
    """The knot of tied hair, or the tail that hangs from it."""
    count = 1500
    start = _TIE + 0.05 * rng.standard_normal((count, 3))
    t = np.linspace(0, 1, _STEPS)[None, :, None]
    if style == "bun":
        middle = _TIE + np.array([0, 0.12, -0.16])
        axis = unit(rng.standard_normal((count, 3)))
        other = unit(np.cross(axis, rng.standard_normal((count, 3))))
        angle = t * np.pi * 1.3
        radius = 0.3 * rng.uniform(0.85, 1.0, (count, 1, 1))
        around = np.cos(angle) * axis[:, None] + np.sin(angle) * other[:, None]
        return (middle + radius * around).astype(np.float32)
    length = 1.0 + 1.2 * person.traits["length"]
    spread = rng.standard_normal((count, 1, 3)) * np.array([0.11, 0.02, 0.09])
    path = np.concatenate(
        [
            0.12 * np.sin(3 * t),
            0.18 * np.sin(np.pi * t) - length * t**1.2,
            -0.4 * np.sqrt(t),
        ],
        2,
    )
    return (start[:, None] + path + spread * np.sin(np.pi * t * 0.9 + 0.15)).astype(
        np.float32
    )


def scalp_hair(person: Identity, rng: np.random.Generator) -> list[Strands]:
    """Grows the hair of the head; an empty list for the bald without a fringe."""
    count = {"buzz": 8000, "afro": 7500}.get(person.style, 6000)

    def density(base):
        free = cover(base, person.headwear) < 0.03
        return smooth(-0.02, 0.05, hair_edge(base, person)) * free

    corners, weights, roots, normals = sample_roots(rng, density, count)
    if not len(roots):
        return []
    length = _lengths(person.style, roots, person, rng)
    points = _grow(person.style, roots, normals, length, person, rng)
    u, v = around_head(roots)
    clump = look_up(noise(2.5), u * 0.6, v * 0.3)
    tone = np.exp(0.16 * clump + 0.16 * rng.standard_normal(len(roots)))
    shade = np.linspace(0.55, 1.0, _STEPS) ** 0.8
    tone = (tone[:, None] * shade[None]).astype(np.float32)
    gloss = 0.25 if person.style in ("afro", "curly", "buzz") else 0.6
    found = [Strands(points, corners, weights, tone, person.hair, gloss)]
    if person.style in TIED_STYLES and person.headwear != "scarf":
        tail = _tail(person.style, person, rng)
        pick = rng.integers(len(roots), size=len(tail))
        tone = np.exp(0.2 * rng.standard_normal((len(tail), 1))) * np.ones(_STEPS)
        found.append(
            Strands(tail, corners[pick], weights[pick], tone, person.hair, gloss)
        )
    return found
