"""Light from all around, with the shadows that a head casts upon itself."""

from typing import NamedTuple

import numpy as np

from tools.heads import rasterize

_SPHERE = 52  # directions on the whole sphere; those from far below are left out
_MAP_SIDE = 160  # pixels of a shadow map
_SPAN = 5.6  # decimetres across a shadow map
_BIAS = 0.05
# Red light travels furthest under the skin, so its terminator is the softest.
_SKIN_WRAP = np.array([0.42, 0.24, 0.18], np.float32)


class Light(NamedTuple):
    """Lighting of one picture, in camera coordinates (x right, y up, z to the eye).

    Attributes:
        sky, ground: float [3], linear RGB of the ambient light from above and below.
        lobes: (direction [3], power, sharpness, colour [3]) of key, fill and rim.
        key: float32 [3], direction of the strongest light.
        key_colour: float32 [3].
    """

    sky: np.ndarray
    ground: np.ndarray
    lobes: tuple
    key: np.ndarray
    key_colour: np.ndarray

    def radiance(self, toward: np.ndarray) -> np.ndarray:
        """Light from unit vectors [D, 3], float32 [D, 3], times the solid angle / pi.

        The vectors are those of `directions()`, perhaps turned.
        """
        up = 0.5 + 0.5 * toward[:, 1:2]
        total = self.sky * up + self.ground * (1 - up)
        for direction, power, sharpness, colour in self.lobes:
            # The mean of exp(k (cos - 1)) over the sphere is (1 - exp(-2k)) / 2k.
            mean = (1 - np.exp(-2 * sharpness)) / (2 * sharpness)
            lobe = np.exp(sharpness * (toward @ direction - 1)) * power / (4 * mean)
            total = total + lobe[:, None] * colour
        return (total * 4 / _SPHERE).astype(np.float32)


def directions() -> np.ndarray:
    """Returns evenly spread unit vectors, without those from far below."""
    k = np.arange(_SPHERE) + 0.5
    height = 1 - 2 * k / _SPHERE
    turn = np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - height**2)
    found = np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], 1)
    return found[height > -0.7].astype(np.float32)


def _unit(azimuth, elevation):
    azimuth, elevation = np.radians(azimuth), np.radians(elevation)
    flat = np.cos(elevation)
    return np.array([np.sin(azimuth) * flat, np.sin(elevation), np.cos(azimuth) * flat])


def _warmth(value):
    """Tint of a light: -1 cold … 1 warm."""
    return np.array([1 + 0.16 * value, 1.0, 1 - 0.26 * value])


def sample(rng: np.random.Generator) -> Light:
    """Draws one of several set-ups: soft day, studio, window, evening, overhead."""
    kind = rng.choice(5, p=[0.3, 0.28, 0.18, 0.12, 0.12])
    ambient = (0.5, 0.24, 0.18, 0.22, 0.32)[kind]
    key_power = (0.75, 1.15, 1.3, 1.1, 1.0)[kind]
    focus = (2.5, 5.0, 5.0, 6.0, 5.0)[kind]
    azimuth = rng.choice([-1, 1]) * (
        rng.uniform(0, 60) if kind != 2 else rng.uniform(50, 85)
    )
    elevation = rng.uniform(45, 65) if kind == 4 else rng.uniform(5, 45)
    warm = rng.uniform(0.4, 1.2) if kind == 3 else rng.uniform(-0.5, 0.6)
    sky = _warmth(-0.5 * warm + rng.uniform(-0.3, 0.2))
    ground = _warmth(0.4 + 0.3 * warm) * 0.45
    key = _unit(azimuth, elevation)
    lobes = [(key, key_power, focus, _warmth(warm))]
    fill = _unit(-np.sign(azimuth) * rng.uniform(30, 70), rng.uniform(0, 25))
    lobes.append((fill, key_power * rng.uniform(0.15, 0.45), 3.0, sky))
    rim = _unit(-np.sign(azimuth) * rng.uniform(120, 160), rng.uniform(10, 40))
    lobes.append((rim, rng.choice([0, 0.4, 1.0]), 6.0, _warmth(rng.uniform(-1, 1))))
    return Light(
        ambient * sky,
        ambient * ground,
        tuple(lobes),
        key.astype(np.float32),
        (key_power * _warmth(warm)).astype(np.float32),
    )


def visibility(
    vertices: np.ndarray, normals: np.ndarray, triangles: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """Which light direction reaches which vertex.

    Args:
        vertices: float32 [V, 3] of the head, not turned.
        normals: float32 [V, 3].
        triangles: int32 [T, 3] of everything that casts shadows.
        used: int [U], the vertices asked for.

    Returns:
        float32 [U, D] in 0..1.
    """
    toward = directions()
    centre = (vertices[used].max(0) + vertices[used].min(0)) / 2
    moved = vertices - centre
    points = (moved + 0.02 * normals)[used]
    scale = _MAP_SIDE / _SPAN
    size = (_MAP_SIDE, _MAP_SIDE)
    seen = np.zeros((len(used), len(toward)), np.float32)
    for k, direction in enumerate(toward):
        side = np.cross([0.0, 1.0, 0.0], direction)
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(direction, side), direction], 1)
        frame = frame.astype(np.float32)
        flat = moved @ frame
        xy = np.stack([flat[:, 0], -flat[:, 1]], 1) * scale + _MAP_SIDE / 2
        found = rasterize.fragments(xy, 20 - flat[:, 2], triangles, size, cull=True)
        depth = rasterize.depth_picture(found, size)
        place = points @ frame
        column = np.clip(place[:, 0] * scale + _MAP_SIDE / 2, 0, _MAP_SIDE - 1)
        row = np.clip(_MAP_SIDE / 2 - place[:, 1] * scale, 0, _MAP_SIDE - 1)
        nearest = depth[row.astype(int), column.astype(int)]
        seen[:, k] = np.clip((nearest + _BIAS - (20 - place[:, 2])) / 0.04, 0, 1)
    return seen


def irradiance(normals, seen, light: Light, turn: np.ndarray) -> np.ndarray:
    """Light arriving at skin, with its soft, reddish terminator.

    Args:
        normals: float32 [N, 3], camera coordinates.
        seen: float32 [N, D], visibility of `directions()` in the frame of the head.
        light: the light.
        turn: float32 [3, 3], from the frame of the head to that of the camera.

    Returns:
        Linear RGB, float32 [N, 3].
    """
    toward = directions() @ turn.T
    radiance = light.radiance(toward)
    cosine = normals @ toward.T
    result = np.empty((len(normals), 3), np.float32)
    for channel, wrap in enumerate(_SKIN_WRAP):
        lit = np.clip((cosine + wrap) / (1 + wrap), 0, None) / (1 + 0.5 * wrap)
        result[:, channel] = (lit * seen) @ radiance[:, channel]
    return result


def key_visibility(seen, light: Light, turn: np.ndarray) -> np.ndarray:
    """How much of the key light reaches a surface, float32 [N] in 0..1."""
    near = np.clip(directions() @ turn.T @ light.key, 0, 1).astype(np.float32) ** 8
    return seen @ (near / near.sum())


def smooth_irradiance(normals: np.ndarray, light: Light) -> np.ndarray:
    """Unshadowed light at normals [N, 3] by second-order harmonics, float32 [N, 3]."""
    toward = directions()
    cosine = np.clip(toward @ toward.T, 0, None)
    samples = cosine @ light.radiance(toward)
    fitted = np.linalg.lstsq(_harmonics(toward), samples, rcond=None)[0]
    return np.clip(_harmonics(normals) @ fitted.astype(np.float32), 0.01, None)


def _harmonics(n):
    x, y, z = n[:, 0], n[:, 1], n[:, 2]
    return np.stack([x * 0 + 1, x, y, z, x * y, y * z, z * x, x * x - y * y, z * z], 1)
