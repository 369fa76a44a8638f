"""Where hairs grow: random places on the skin."""

import functools
from typing import NamedTuple

import numpy as np

from tools.heads import mesh


class Strands(NamedTuple):
    """Hairs of one kind.

    Attributes:
        points: float32 [N, K, 3], base coordinates, root first.
        corners, weights: int32 and float32 [N, 3], where each root sits on the mesh.
        tone: float32 [N, K], brightness factor of the hair colour.
        colour: float [3], linear albedo.
        gloss: strength of the highlight.
        opacity: of the whole layer.
    """

    points: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    tone: np.ndarray
    colour: np.ndarray
    gloss: float
    opacity: float = 1.0


@functools.cache
def _areas():
    base = mesh.load()
    body = base.triangles["body"]
    a, b, c = (base.vertices[body[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1) / 2
    return area, cross / np.maximum(2 * area[:, None], 1e-12), (a + b + c) / 3


def sample_roots(rng, density, count):
    """Draws root places on the body with a density per base point.

    Returns:
        corners int32 [N, 3], weights float32 [N, 3], base float32 [N, 3] and normals
        float32 [N, 3].
    """
    base = mesh.load()
    area, normals, _ = _areas()
    body = base.triangles["body"]
    ear = base.masks["ears"][body].mean(1)
    chance = area * density(base.vertices[body].reshape(-1, 3)).reshape(-1, 3).max(1)
    chance = chance * (ear < 0.3)
    total = chance.sum()
    if total <= 0:
        empty = np.zeros((0, 3), np.float32)
        return empty.astype(np.int32), empty, empty, empty
    triangle = rng.choice(len(body), count, p=chance / total)
    weights = rng.dirichlet([1.0, 1.0, 1.0], count).astype(np.float32)
    corners = body[triangle]
    points = (base.vertices[corners] * weights[:, :, None]).sum(1)
    kept = rng.random(count) < density(points)
    return corners[kept], weights[kept], points[kept], normals[triangle][kept]


def unit(vector: np.ndarray) -> np.ndarray:
    """Scales vectors along the last axis to length 1."""
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)
