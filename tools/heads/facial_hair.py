"""Eyebrows and beards, as short hairs on the face."""

import numpy as np

from tools.heads import mesh
from tools.heads.identity import Identity
from tools.heads.paint import brow_line, smooth
from tools.heads.roots import Strands, sample_roots, unit


def eyebrows(person: Identity, rng: np.random.Generator) -> Strands:
    """Grows both eyebrows."""

    def density(base):
        height, thick = brow_line(np.abs(base[:, 0]), person)
        off = np.abs(base[:, 1] - height) / np.maximum(thick, 1e-3)
        across = np.abs(base[:, 0])
        inside = smooth(0.08, 0.15, across) * smooth(0.6, 0.5, across)
        return smooth(1.15, 0.55, off) * inside * (base[:, 2] > 0.8)

    count = int(3200 * person.traits["brow_density"])
    corners, weights, roots, normals = sample_roots(rng, density, count)
    side = np.sign(roots[:, 0])
    t = np.clip((np.abs(roots[:, 0]) - 0.1) / 0.46, 0, 1)
    flow = np.stack([side * (0.35 + t), 0.75 - 1.15 * t, -0.25 * t], 1)
    flow = unit(flow + 0.25 * rng.standard_normal(flow.shape) + 0.25 * normals)
    return _short_hairs(
        corners, weights, roots, flow, 0.05, person.brow_hair, 0.55, rng
    )


def _short_hairs(corners, weights, roots, flow, length, colour, opacity, rng):
    t = np.linspace(0, 1, 5)[None, :, None]
    reach = length * rng.uniform(0.6, 1.1, (len(roots), 1, 1))
    points = roots[:, None] + flow[:, None] * t * reach + 0.004 * flow[:, None]
    tone = np.exp(0.2 * rng.standard_normal((len(roots), 1))) * np.ones(5)
    return Strands(
        points.astype(np.float32),
        corners,
        weights,
        tone.astype(np.float32),
        colour,
        0.1,
        opacity,
    )


def beard_cover(base: np.ndarray, person: Identity) -> np.ndarray:
    """How much beard grows at base points, float [F] in 0…1."""
    x, y, z = np.abs(base[:, 0]), base[:, 1], base[:, 2]
    front = smooth(0.45, 0.75, z)
    cheek = np.interp(x, [0, 0.25, 0.45, 0.62, 0.74], [6.5, 6.55, 6.68, 6.9, 7.2])
    jaw = smooth(0.0, 0.12, cheek - y) * smooth(5.95, 6.2, y)
    chin = smooth(0.3, 0.2, x) * smooth(6.5, 6.44, y) * smooth(6.0, 6.15, y)
    chin = np.maximum(
        chin, smooth(0.36, 0.3, x) * smooth(0.24, 0.29, x) * (y > 6.3) * (y < 6.7)
    )
    lip = smooth(6.735, 6.76, y + 0.1 * x) * smooth(6.845, 6.81, y + 0.28 * x)
    lip = np.maximum(lip, smooth(0.24, 0.29, x) * (y > 6.45) * (y < 6.72)) * smooth(
        0.37, 0.31, x
    )
    parts = {
        "none": 0 * x,
        "moustache": lip,
        "goatee": np.maximum(chin, lip),
    }.get(person.beard, np.maximum(jaw, lip))
    return parts * front


def beard(person: Identity, rng: np.random.Generator) -> Strands | None:
    """Grows the beard, or nothing."""
    if person.beard in ("none", "stubble"):
        return None
    lips = mesh.load().masks["lips"]

    def density(base):
        return beard_cover(base, person)

    corners, weights, roots, normals = sample_roots(rng, density, 14000)
    bare = (lips[corners] * weights).sum(1) < 0.12
    corners, weights, roots, normals = (
        part[bare] for part in (corners, weights, roots, normals)
    )
    length = {"full": 0.2, "short": 0.1, "goatee": 0.14, "moustache": 0.1}[person.beard]
    flow = np.stack([0.35 * roots[:, 0], -np.ones(len(roots)), 0 * roots[:, 0]], 1)
    flow = unit(flow + 0.35 * rng.standard_normal(flow.shape) + 0.7 * normals)
    colour = np.minimum(person.hair * 0.8, 0.3)
    return _short_hairs(corners, weights, roots, flow, length, colour, 0.95, rng)
