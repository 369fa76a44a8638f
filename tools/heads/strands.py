"""Shading strands of hair and drawing them as depth-tested points."""

from typing import NamedTuple

import cv2
import numpy as np

from tools.heads import lighting
from tools.heads.roots import Strands

_SPACING = 1.1  # pixels between neighbouring points of a hair


class Layer(NamedTuple):
    """A picture with coverage: float32 [H, W, 3] (not premultiplied) and [H, W]."""

    colour: np.ndarray
    alpha: np.ndarray


def shade(strands: Strands, points, centre, light: lighting.Light):
    """Returns linear RGB of every strand point.

    Args:
        strands: the hairs.
        points: float32 [N, K, 3], camera coordinates.
        centre: float32 [3], middle of the head in camera coordinates.
        light: the light.
    """
    out = points - centre
    out = out / np.maximum(np.linalg.norm(out, axis=2, keepdims=True), 1e-6)
    arriving = lighting.smooth_irradiance(out.reshape(-1, 3), light)
    arriving = arriving.reshape(points.shape)
    tangent = np.gradient(points, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-6)
    half = light.key + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    sine = np.sqrt(np.clip(1 - (tangent @ half) ** 2, 0, 1))
    facing = np.clip(out @ light.key + 0.2, 0, 1)
    shine = strands.gloss * (0.05 * sine**60 + 0.025 * sine**12) * facing
    tint = 0.35 + 1.5 * strands.colour
    lit = (
        strands.colour
        * strands.tone[..., None]
        * arriving
        * (0.45 + 0.55 * sine[..., None])
    )
    lit = lit + shine[..., None] * tint * light.key_colour * strands.tone[..., None]
    return lit.astype(np.float32)


def _resample(values, row, position):
    """Linear interpolation of values [N, K, C] at rows [P] and positions [P]."""
    low = np.minimum(position.astype(np.int32), values.shape[1] - 2)
    share = (position - low).astype(np.float32)[:, None]
    flat = values.reshape(-1, values.shape[2])
    index = row * values.shape[1] + low
    return flat[index] * (1 - share) + flat[index + 1] * share


def _dense_places(xy):
    """Chooses points at most `_SPACING` pixels apart on every strand.

    Returns:
        int32 [P] strand and float32 [P] position along it.
    """
    length = np.linalg.norm(np.diff(xy, axis=1), axis=2).sum(1)
    needed = np.ceil(length / _SPACING).astype(np.int64) + 1
    row = np.repeat(np.arange(len(xy)), needed)
    start = np.repeat(np.cumsum(needed) - needed, needed)
    share = (np.arange(len(row)) - start) / np.repeat(needed - 1, needed)
    return row.astype(np.int32), (share * (xy.shape[1] - 1)).astype(np.float32)


def draw(xy, depth, colour, body_depth: np.ndarray, softness: float) -> Layer:
    """Draws strands that are not behind the body.

    Args:
        xy: float32 [N, K, 2], pixels.
        depth: float32 [N, K].
        colour: float32 [N, K, 3], linear RGB.
        body_depth: float32 [H, W], inf where there is nothing.
        softness: blur of the hair's edge in pixels.

    Returns:
        The drawn layer.
    """
    height, width = body_depth.shape
    row, position = _dense_places(xy)
    place = _resample(np.concatenate([xy, depth[..., None]], 2), row, position)
    column, line = place[:, 0].astype(np.int32), place[:, 1].astype(np.int32)
    kept = (column >= 0) & (column < width) & (line >= 0) & (line < height)
    pixel = np.where(kept, line * width + column, 0)
    kept &= place[:, 2] < body_depth.reshape(-1)[pixel] + 0.012
    kept = np.flatnonzero(kept)
    order = kept[np.argsort(-place[kept, 2])]
    winner = np.full(height * width, -1, np.int64)
    winner[pixel[order]] = order
    covered = np.flatnonzero(winner >= 0)
    winner = winner[covered]
    picture = np.zeros((height * width, 4), np.float32)
    picture[covered, :3] = _resample(colour, row[winner], position[winner])
    picture[covered, 3] = 1
    picture = picture.reshape(height, width, 4)
    soft = cv2.GaussianBlur(picture, (0, 0), softness)
    blurred = soft[..., :3] / np.maximum(soft[..., 3:], 1e-4)
    mixed = np.where(
        picture[..., 3:] > 0, 0.65 * picture[..., :3] + 0.35 * blurred, blurred
    )
    return Layer(mixed, np.clip(soft[..., 3] * 1.5, 0, 1))
