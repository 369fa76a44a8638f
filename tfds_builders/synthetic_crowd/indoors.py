"""Rooms and halls: walls, floor, ceiling, lamps, furniture."""

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import ground, layers

_CAMERA_HEIGHT = 0.65  # in heights of the picture, where the back wall fills it


def _hang_window(rng, canvas, x, y, wide, tall, colour):
    def part(x0, y0, x1, y1):
        return layers.rectangle(
            x + wide * x0, y + tall * y0, x + wide * x1, y + tall * y1
        )

    layers.paint(canvas, part(0, 0.18, 1, 0.65), colour)
    view = layers.gradient((215, 228, 245), (170, 185, 175), 16)
    layers.paint(canvas, part(0.06, 0.21, 0.94, 0.62), view)
    layers.paint(canvas, part(0.48, 0.2, 0.52, 0.63), colour)


def _hang_door(rng, canvas, x, y, wide, tall, colour):
    low, right = y + tall, x + wide * 0.8
    layers.paint(canvas, layers.rectangle(x, y + tall * 0.25, right, low), colour * 0.7)
    edge = wide * 0.05
    leaf = layers.rectangle(x + edge, y + tall * 0.28, right - edge, low)
    layers.paint(canvas, leaf, colour)


def _hang_picture(rng, canvas, x, y, wide, tall, colour):
    low = y + tall * rng.uniform(0.2, 0.35)
    high = low + wide * rng.uniform(0.5, 0.9)
    layers.paint(canvas, layers.rectangle(x, low, x + wide, high), colour * 0.5)
    art = cv2.resize(rng.integers(20, 230, (3, 4, 3)).astype(np.uint8), (24, 18))
    edge = wide * 0.06
    inner = layers.rectangle(x + edge, low + edge, x + wide - edge, high - edge)
    layers.paint(canvas, inner, art)


def _hang_shelf(rng, canvas, x, y, wide, tall, colour):
    books = np.full((40, 48, 3), 25, np.uint8)
    shades = [layers.random_colour(rng) for _ in range(7)]
    for number, top in enumerate(rng.integers(1, 4, 48)):
        row, column = number // 12 * 10, number % 12 * 4
        books[row + top : row + 9, column : column + 3] = shades[number * top % 7]
    books[9::10] = colour
    layers.paint(canvas, layers.rectangle(x, y + tall * 0.2, x + wide, y + tall), books)


def _hang_things(rng, canvas, box):
    """Put windows, doors, pictures and shelves along a back wall."""
    x0, y0, x1, y1 = box
    tall = y1 - y0
    x = x0 + tall * rng.uniform(0.02, 0.2)
    kinds = (_hang_window, _hang_door, _hang_picture, _hang_shelf, None)
    while x < x1 - tall * 0.15:
        hang = kinds[rng.integers(len(kinds))]
        wide = min(tall * rng.uniform(0.15, 0.45), x1 - x)
        if hang:
            hang(rng, canvas, x, y0, wide, tall, layers.random_colour(rng, 0.3))
        x += wide * rng.uniform(1.1, 1.8)


def _lamps(rng, canvas, horizon, count: int):
    """Hang bright lamps under the ceiling, each with a glow."""
    width = canvas.shape[1]
    for _ in range(count):
        near = rng.uniform(0.2, 0.95)
        centre = (
            width / 2 + rng.uniform(-0.7, 0.7) * width * near,
            horizon * (1 - near),
        )
        radii = np.array([0.05, 0.015]) * width * near
        for grow, strength in ((2.4, 0.25), (1.6, 0.35), (1.0, 1.0)):
            shape = layers.ellipse(centre, radii * grow)
            glow = np.zeros((int(radii[1] * 6) + 4, int(radii[0] * 6) + 4, 4), np.uint8)
            corner = np.floor(centre - radii * 3).astype(int)
            layers.paint(glow, shape - corner, (255, 246, 220))
            layers.over(
                canvas,
                (glow * strength).astype(np.uint8),
                int(corner[1]),
                int(corner[0]),
            )


def _box_room(rng, canvas, horizon, wall, depth: float, foot: float):
    """Draw floor, ceiling and side walls; return the back wall's x0, y0, x1, y1."""
    height, width = canvas.shape[:2]
    # Nobody stands behind the back wall.
    depth = min(depth, max((foot - horizon) / height, 0.03) / _CAMERA_HEIGHT)
    centre = width * rng.uniform(0.35, 0.65)
    x0, x1 = centre - width * depth, centre + width * depth
    y0 = horizon - height * depth * rng.uniform(0.7, 1.1)
    y1 = horizon + height * depth * _CAMERA_HEIGHT
    floor = layers.random_colour(rng, 0.4) * 0.5 + 55
    kind = str(rng.choice(["tiles", "planks", "plain"]))
    ground.lay(rng, canvas, horizon, ground.pattern(rng, kind, floor), wall * 0.6)
    ceiling = np.full(3, rng.uniform(150, 235))
    plain = ground.pattern(rng, str(rng.choice(["tiles", "plain"])), ceiling)
    ground.lay(rng, canvas, horizon, plain, wall * 0.7, below=False)
    reach = 4.0
    for x, far in ((x0, -1), (x1, 1)):
        out = centre + (x - centre) * reach
        top, low = horizon + (y0 - horizon) * reach, horizon + (y1 - horizon) * reach
        side = np.array([[out, top], [x, y0], [x, y1], [out, low]])
        shade = np.linspace(1.0, 0.7, 16)[::far]
        light = shade + 0.03 * layers.noise(rng, 16, 16)
        layers.paint(canvas, side, layers.tint(wall * rng.uniform(0.8, 1.0), light))
    light = 1 + 0.04 * layers.noise(rng, 32, 48) + np.linspace(0.05, -0.1, 32)[:, None]
    layers.paint(canvas, layers.rectangle(x0, y0, x1, y1), layers.tint(wall, light))
    return x0, y0, x1, y1


def _table(rng, canvas, horizon, box, foot):
    """Put a low piece of furniture against the back wall."""
    x0, _, x1, y1 = box
    tall = (y1 - horizon) * rng.uniform(0.4, 0.8)
    x = rng.uniform(x0, x1 - 0.2 * (x1 - x0))
    wide = tall * rng.uniform(1.0, 3.0)
    colour = layers.random_colour(rng, 0.5)
    shade = layers.tint(colour, np.linspace(1.1, 0.6, 8)[:, None])
    base = min(y1 + tall * 0.25, foot)
    layers.paint(canvas, layers.rectangle(x, base - tall, x + wide, base), shade)
    top = layers.rectangle(x - 2, base - tall * 1.06, x + wide + 2, base - tall * 0.94)
    layers.paint(canvas, top, np.minimum(colour * 1.3, 255))


def room(
    rng: np.random.Generator, canvas: np.ndarray, horizon: float, foot: float
) -> np.ndarray:
    """Draw a room on a canvas uint8 [H, W, 3]; return the colour of its walls.

    The floor reaches back to row `foot` at least.
    """
    wall = layers.random_colour(rng, 0.35) * 0.55 + 95
    box = _box_room(rng, canvas, horizon, wall, rng.uniform(0.35, 0.6), foot)
    _hang_things(rng, canvas, box)
    for _ in range(int(rng.integers(0, 4))):
        _table(rng, canvas, horizon, box, foot)
    _lamps(rng, canvas, horizon, int(rng.integers(0, 5)))
    return wall


def hall(
    rng: np.random.Generator, canvas: np.ndarray, horizon: float, foot: float
) -> np.ndarray:
    """Draw a deep hall on a canvas uint8 [H, W, 3]; return the colour of its walls.

    The floor reaches back to row `foot` at least.
    """
    wall = layers.random_colour(rng, 0.3) * 0.5 + rng.uniform(30, 110)
    box = _box_room(rng, canvas, horizon, wall, rng.uniform(0.15, 0.32), foot)
    _hang_things(rng, canvas, box)
    _lamps(rng, canvas, horizon, int(rng.integers(3, 9)))
    return wall
