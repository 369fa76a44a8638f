"""Colour of skin, lips, eyes and clothes as functions of base coordinates."""

import functools

import cv2
import numpy as np

from tools.heads.identity import Identity

_EYE_HEIGHT, _EYE_SIDE = 7.285, 0.31


def smooth(low, high, value):
    """Smoothstep from 0 at `low` to 1 at `high` (which may be the smaller one)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@functools.cache
def noise(sigma: float, stretch: float = 1.0) -> np.ndarray:
    """A tileable 512×512 field of blurred white noise, mean 0, deviation 1."""
    rng = np.random.default_rng(int(sigma * 1000 + stretch * 17))
    field = rng.standard_normal((512, 512)).astype(np.float32)
    field = np.tile(field, (3, 3))
    field = cv2.GaussianBlur(field, (0, 0), sigma, sigmaY=sigma * stretch)
    field = field[512:1024, 512:1024]
    return (field - field.mean()) / field.std()


def look_up(field: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Samples a tileable field, bilinearly; u and v in turns of the tile."""
    count = np.size(u)
    if not count:
        return np.zeros(0, np.float32)
    width = 4096  # OpenCV limits the sides of its maps
    padded = np.zeros((2, -(-count // width) * width), np.float32)
    padded[0, :count], padded[1, :count] = np.mod(u, 1), np.mod(v, 1)
    x, y = padded.reshape(2, -1, width) * 512
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return found.reshape(-1)[:count]


def around_head(base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cylinder coordinates in decimetres on the skin: around, and up."""
    return np.arctan2(base[:, 0], base[:, 2] - 0.5) * 0.9, base[:, 1]


def brow_line(across: np.ndarray, person: Identity) -> tuple[np.ndarray, np.ndarray]:
    """Height and half thickness of the eyebrow at |x| = `across`, decimetres."""
    t = (across - 0.1) / 0.46
    arch = 0.055 + 0.02 * person.traits["brow_arch"]
    height = 7.448 + 4 * arch * np.clip(t, 0, 1.3) * (1.12 - t) * 0.85 - 0.03 * t
    thick = 0.026 * person.traits["brow_width"] * np.clip(1.25 - 0.85 * t, 0.25, 1.1)
    return height, thick * smooth(-0.08, 0.15, t)


def _blob(base, side, height, wide, tall):
    """A soft spot on both halves of the face."""
    across = (np.abs(base[:, 0]) - side) / wide
    up = (base[:, 1] - height) / tall
    return np.exp(-(across**2) - up**2) * smooth(0.7, 1.0, base[:, 2])


def _wrinkles(base, person):
    """Forehead lines, crow's feet and laugh lines of the old; 0…1 darkness."""
    old = smooth(0.4, 0.95, person.age)
    if old == 0:
        return np.zeros(len(base), np.float32)
    u, v = around_head(base)
    wave = look_up(noise(14), u * 0.25, v * 0.25) * 0.012
    lines = np.cos((base[:, 1] + wave) * 2 * np.pi / 0.085 + person.number) ** 8
    forehead = lines * smooth(7.56, 7.64, base[:, 1]) * smooth(7.95, 7.8, base[:, 1])
    forehead *= smooth(0.62, 0.3, np.abs(base[:, 0])) * (base[:, 2] > 0.9)
    dx = np.abs(base[:, 0]) - 0.44
    angle = np.arctan2(base[:, 1] - 7.27, dx)
    crow = np.cos(angle * 7) ** 6 * smooth(0.02, 0.05, dx) * smooth(0.2, 0.1, dx)
    crow *= np.abs(angle) < 0.9
    fold = np.abs(base[:, 0]) - (0.17 + (6.9 - base[:, 1]) * 0.36)
    laugh = np.exp(-((fold / 0.016) ** 2)) * smooth(6.92, 6.84, base[:, 1])
    laugh *= smooth(6.5, 6.62, base[:, 1]) * (base[:, 2] > 0.9)
    return old * (0.5 * forehead + 0.4 * crow + 0.7 * laugh)


def skin(base, masks, person: Identity, features: bool):
    """Albedo and gloss of the skin.

    Args:
        base: float32 [F, 3], base coordinates.
        masks: dict of float32 [F] interpolated vertex masks.
        person: whose skin.
        features: False leaves out lips, brows and all tints, as on a mannequin.

    Returns:
        float32 [F, 3] linear albedo, float32 [F] strength of the highlight.
    """
    count = len(base)
    colour = np.repeat(person.skin[None].astype(np.float32), count, 0)
    gloss = np.full(count, 0.35, np.float32)
    if not features:
        return colour, gloss * 1.6
    u, v = around_head(base)
    mottle = look_up(noise(26), u * 0.3, v * 0.3)
    pores = look_up(noise(1.3), u * 0.9, v * 0.9)
    colour *= (1 + 0.018 * mottle + 0.022 * pores)[:, None]
    cheeks = _blob(base, 0.42, 6.95, 0.2, 0.18) + 0.6 * _blob(base, 0, 6.9, 0.14, 0.12)
    cheeks += 0.35 * _blob(base, 0, 6.25, 0.16, 0.12)
    cheeks += 0.7 * masks["ears"]
    strength = person.traits["blush"] * (0.55 - 0.3 * person.melanin)
    tint = np.array([0.04, 0.55, 0.5], np.float32)
    colour *= 1 - np.clip(cheeks * strength, 0, 1)[:, None] * tint
    tired = _blob(base, 0.3, 7.15, 0.15, 0.055) * (0.16 + 0.14 * person.age)
    lids = _blob(base, 0.31, 7.36, 0.17, 0.045) * (
        0.15 + 0.5 * person.traits["make_up"]
    )
    crease = np.clip(tired + lids, 0, 0.7)[:, None]
    colour *= 1 - crease * np.array([0.55, 0.75, 0.7], np.float32)
    spots = smooth(1.7, 2.4, look_up(noise(2.2), u * 0.7 + 0.3, v * 0.7))
    spots *= _blob(base, 0.25, 7.0, 0.33, 0.2) * person.traits["freckles"]
    colour *= 1 - np.clip(spots, 0, 1)[:, None] * np.array([0.3, 0.45, 0.5])
    colour *= 1 - 0.3 * _wrinkles(base, person)[:, None]
    colour, gloss = _lips(base, masks, person, colour, gloss)
    inside = smooth(0.25, 0.75, masks["inside-mouth"]) * (1 - masks["lips"])
    colour += inside[:, None] * (np.array([0.10, 0.02, 0.02]) - colour)
    nostril = _blob(base, 0.08, 6.843, 0.04, 0.024)
    colour *= 1 - nostril[:, None] * np.array([0.7, 0.85, 0.85])
    shine = _blob(base, 0, 7.05, 0.1, 0.3) + _blob(base, 0.1, 7.75, 0.4, 0.2)
    shine += _blob(base, 0.4, 7.0, 0.15, 0.12)
    gloss *= (0.7 + 0.9 * shine) * person.traits["oiliness"]
    return colour.astype(np.float32), gloss


def _lips(base, masks, person, colour, gloss):
    lips = smooth(0.12, 0.7, masks["lips"])
    fine = look_up(noise(1.5, 6.0), base[:, 0] * 1.3, base[:, 1] * 0.8)
    painted = person.lips[None] * (1 + 0.05 * fine)[:, None]
    colour = colour + lips[:, None] * (painted - colour)
    seam = np.exp(-(((base[:, 1] - 6.607) / 0.011) ** 2)) * lips * 0.75
    colour = colour * (1 - seam[:, None] * np.array([0.75, 0.85, 0.85]))
    return colour, gloss * (1 + 0.8 * lips)


def eyeball(local: np.ndarray, person: Identity):
    """Albedo and gloss of an eyeball.

    Args:
        local: float32 [F, 3], unit vectors from the centre of the eye, turned so that
            +z is where the person looks.
        person: whose eye.

    Returns:
        float32 [F, 3] linear albedo, float32 [F] strength of the highlight.
    """
    angle = np.degrees(np.arccos(np.clip(local[:, 2], -1, 1)))
    around = np.arctan2(local[:, 1], local[:, 0])
    fibres = look_up(noise(2.0), around / 2 / np.pi * 1.0, angle / 90)
    radius = 25.5
    iris = person.iris[None] * (1 + 0.22 * fibres)[:, None]
    iris = iris * (0.75 + 0.6 * smooth(25, 10, angle))[:, None]
    iris = iris * (1 - 0.65 * smooth(radius - 6, radius, angle))[:, None]
    white = np.array([0.70, 0.655, 0.62]) * (1 - 0.1 * smooth(40, 75, angle))[:, None]
    inner = smooth(radius + 1.6, radius - 1.6, angle)[:, None]
    colour = white + inner * (iris - white)
    pupil = smooth(11.0, 8.5, angle)[:, None]
    colour = colour * (1 - pupil) + pupil * 0.006
    return colour.astype(np.float32), (0.5 + 0.5 * inner[:, 0]).astype(np.float32)


def neckline(base: np.ndarray, person: Identity) -> np.ndarray:
    """Signed distance in decimetres below the edge of the garment; > 0 is cloth."""
    open_ = person.traits["neckline"]
    front = smooth(-0.1, 0.9, base[:, 2])
    scoop = 5.62 - 0.35 * open_ * np.exp(-((base[:, 0] / (0.35 + 0.3 * open_)) ** 2))
    edge = front * (scoop - 0.08) + (1 - front) * 5.98
    if person.traits["collar"]:
        edge = edge + 0.14
    return edge - base[:, 1] + 0.10 * np.clip(np.abs(base[:, 0]) - 0.6, 0, 1)


def cloth(base: np.ndarray, person: Identity) -> np.ndarray:
    """Linear albedo of the garment, float32 [F, 3]."""
    weave = look_up(noise(1.0, 2.0), base[:, 0] * 0.8, base[:, 1] * 0.8)
    folds = look_up(noise(20, 2.5), base[:, 0] * 0.22, base[:, 1] * 0.15)
    colour = person.clothes[None] * (1 + 0.05 * weave + 0.09 * folds)[:, None]
    if person.traits["stripes"]:
        band = smooth(-0.25, 0.25, np.sin(base[:, 1] * 2 * np.pi / 0.28))
        other = person.headwear_colour[None] * 0.8 + 0.1
        colour = colour + band[:, None] * (other - colour)
    edge = neckline(base, person)
    seam = smooth(0.12, 0.10, edge) * smooth(0.05, 0.08, edge)
    seam = seam * smooth(0.75, 0.55, np.abs(base[:, 0]))
    colour = colour * (1 - 0.25 * seam)[:, None]
    return np.clip(colour, 0, 0.95).astype(np.float32)
