"""Painting with premultiplied RGBA patches: what every part of a scene is made of."""

import functools

import cv2
import numpy as np
from numpy.typing import ArrayLike

_NOISE_SIDE = 256
_NOISE_FIELDS = 6
_ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 8)
_HALF_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def over(canvas: np.ndarray, patch: np.ndarray, top: int, left: int) -> None:
    """Lay a patch over a canvas, in place; parts outside the canvas are cut off.

    Args:
        canvas: uint8 [H, W, 3] or premultiplied [H, W, 4].
        patch: uint8 [h, w, 4], premultiplied RGBA.
        top, left: place of the patch's corner on the canvas, pixels.
    """
    height, width, channels = canvas.shape
    y0, x0 = max(top, 0), max(left, 0)
    y1 = min(top + patch.shape[0], height)
    x1 = min(left + patch.shape[1], width)
    if y0 >= y1 or x0 >= x1:
        return
    part = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    passing = cv2.merge([cv2.bitwise_not(cv2.extractChannel(part, 3))] * channels)
    dimmed = cv2.multiply(canvas[y0:y1, x0:x1], passing, scale=1 / 255)
    colour = part if channels == 4 else cv2.cvtColor(part, cv2.COLOR_RGBA2RGB)
    canvas[y0:y1, x0:x1] = cv2.add(dimmed, colour)


def premultiply(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return uint8 [h, w, 4] premultiplied from uint8 colour and uint8 alpha."""
    opaque = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return cv2.multiply(opaque, cv2.merge([alpha] * 4), scale=1 / 255)


def paint(canvas: np.ndarray, polygon: np.ndarray, texture: np.ndarray) -> None:
    """Fill a polygon with a texture stretched over its bounding box, in place.

    Args:
        canvas: uint8 [H, W, 3] or premultiplied [H, W, 4].
        polygon: float [P, 2], x y in pixels of the canvas; may reach outside.
        texture: uint8 [h, w, 3], or one colour of three values 0 to 255.
    """
    fixed = np.rint(polygon * 16).astype(np.int32)
    x, y, wide, tall = (v / 16 for v in cv2.boundingRect(fixed))
    x0, y0 = max(int(x) - 1, 0), max(int(y) - 1, 0)
    x1 = min(int(x + wide) + 2, canvas.shape[1])
    y1 = min(int(y + tall) + 2, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fixed -= (x0 * 16, y0 * 16)
    cv2.fillPoly(alpha, [fixed], 255, cv2.LINE_AA, 4)
    texture = np.asarray(texture)
    if texture.ndim == 1:
        rgb = np.empty((*alpha.shape, 3), np.uint8)
        rgb[:] = texture
    else:
        scale_x, scale_y = wide / texture.shape[1], tall / texture.shape[0]
        shift_x = x - x0 + (scale_x - 1) / 2
        shift_y = y - y0 + (scale_y - 1) / 2
        matrix = np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]])
        rgb = cv2.warpAffine(
            texture, matrix, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE
        )
    over(canvas, premultiply(rgb, alpha), y0, x0)


def recolour(
    patch: np.ndarray, gain: ArrayLike, haze: ArrayLike, haze_share: float
) -> np.ndarray:
    """Light a patch and let the air in front of it show.

    Args:
        patch: uint8 [h, w, 4], premultiplied RGBA.
        gain: three factors for red, green, blue, at most 1: colour above alpha would
            shine at the rims.
        haze: colour of the air, three values 0 to 255.
        haze_share: 0 (near) to 1 (nothing but air).
    """
    matrix = np.zeros((4, 4))
    matrix[range(3), range(3)] = np.asarray(gain) * (1 - haze_share)
    matrix[:3, 3] = np.asarray(haze) / 255 * haze_share
    matrix[3, 3] = 1
    return cv2.transform(patch, matrix)


def smooth(points: ArrayLike, rounds: int = 2) -> np.ndarray:
    """Round a closed polygon by cutting its corners (Chaikin), float64 [P, 2]."""
    points = np.asarray(points, np.float64)
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        cut = [0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following]
        points = np.stack(cut, axis=1).reshape(-1, 2)
    return points


def ellipse(
    centre: ArrayLike, radii: ArrayLike, turn: float = 0.0, corners: int = 36
) -> np.ndarray:
    """Return an ellipse as polygon, float64 [corners, 2]; `turn` in radians."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1) + centre


def limb(
    start: ArrayLike, end: ArrayLike, start_radius: float, end_radius: float
) -> np.ndarray:
    """Return a tapering limb with round ends as polygon, float64 [16, 2]."""
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    along = end - start
    along = along / max(np.hypot(*along), 1e-9)
    turn = np.array([along, [-along[1], along[0]]])
    arc = _HALF_CIRCLE @ turn
    return np.concatenate([end + end_radius * arc, start - start_radius * arc])


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Return an upright rectangle as polygon, float64 [4, 2]."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


@functools.cache
def _noise_field(number: int) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(number))
    field = np.zeros((_NOISE_SIDE, _NOISE_SIDE), np.float32)
    for octave in range(2, 8):
        grain = rng.standard_normal((2**octave, 2**octave), np.float32)
        size = (_NOISE_SIDE, _NOISE_SIDE)
        field += cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return (field - field.mean()) / field.std()


def noise(
    rng: np.random.Generator, height: int, width: int, zoom: float = 1.0
) -> np.ndarray:
    """Return cloudy noise, float32 [height, width], mean 0, deviation about 1.

    It is a window of a few fields that are made once; `zoom` > 1 shows less of one.
    """
    field = _noise_field(int(rng.integers(_NOISE_FIELDS)))
    side = max(8, int(_NOISE_SIDE / max(zoom, 1.0)))
    y, x = rng.integers(_NOISE_SIDE - side + 1, size=2)
    window = field[y : y + side, x : x + side]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    return cv2.resize(window, (width, height), interpolation=cv2.INTER_LINEAR)


def tint(colour: ArrayLike, light: np.ndarray) -> np.ndarray:
    """Return a colour under changing light, uint8 [h, w, 3].

    Args:
        colour: three values 0 to 255.
        light: float [h, w], factors about 1.
    """
    lit = np.asarray(light, np.float32)[..., None] * np.asarray(colour, np.float32)
    return np.clip(lit, 0, 255).astype(np.uint8)


def gradient(top: ArrayLike, bottom: ArrayLike, count: int) -> np.ndarray:
    """Return a vertical gradient between two colours, uint8 [count, 1, 3]."""
    share = np.linspace(0, 1, max(count, 1))[:, None, None]
    return (np.asarray(top) * (1 - share) + np.asarray(bottom) * share).astype(np.uint8)


def random_colour(rng: np.random.Generator, saturation: float = 0.6) -> np.ndarray:
    """Return a colour such as cloth or paint has, float64 [3], 0 to 255."""
    hue, strength = rng.random(), rng.random() * saturation
    value = rng.uniform(0.08, 0.95)
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return 255 * value * (1 - strength * (1 - wheel))


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """Return one of the colours human skin has, float64 [3], 0 to 255."""
    tones = np.array([[58, 38, 30], [112, 74, 53], [172, 124, 94], [232, 190, 164]])
    place = rng.uniform(0, len(tones) - 1.001)
    low = int(place)
    return tones[low] + (place - low) * (tones[low + 1] - tones[low])
