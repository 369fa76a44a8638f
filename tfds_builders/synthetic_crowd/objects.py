"""Things in a crowd: what hides faces, and what only looks like one."""

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import layers

_SIDE = 128  # pixels of a drawn object before it is scaled to the scene
OCCLUDERS = ("balloon", "sign", "cup", "hand", "plant", "phone", "umbrella")
DISTRACTORS = ("balloon", "ball", "clock", "plate", "blob", "lantern", "dummy")


def draw(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Draw one thing.

    Args:
        rng: source of every choice.
        kind: a name of `OCCLUDERS` or `DISTRACTORS`.

    Returns:
        uint8 [128, 128, 4], premultiplied RGBA; the thing fills most of it.
    """
    canvas = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    _DRAWERS[kind](rng, canvas)
    return canvas


def bars(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw a fence or railing that stands before everything else.

    Returns:
        uint8 [height, width, 4], premultiplied RGBA.
    """
    canvas = np.zeros((height, width, 4), np.uint8)
    colour = layers.random_colour(rng, 0.3)
    thick = max(1.5, width * rng.uniform(0.004, 0.012))
    top = height * rng.uniform(0.45, 0.85)
    step = width * rng.uniform(0.08, 0.25)
    texture = layers.tint(colour, np.array([[0.7, 1.2, 0.9, 0.6]]))
    for x in np.arange(rng.uniform(0, step), width, step):
        bar = layers.rectangle(x - thick / 2, top, x + thick / 2, height + 2)
        layers.paint(canvas, bar, texture)
    rail = layers.rectangle(-2, top - thick, width + 2, top + thick)
    layers.paint(canvas, rail, texture.transpose(1, 0, 2))
    return canvas


def _ball_light(rng, size: int = 32) -> np.ndarray:
    """Return the light on a round thing, float [size, size], about 0.4 to 1.3."""
    grid = np.linspace(-1, 1, size)
    x, y = grid[None] - rng.uniform(-0.5, 0.5), grid[:, None] + 0.35
    return 1.25 - 0.5 * (x**2 + y**2)


def _balloon(rng, canvas):
    colour = layers.random_colour(rng, 1.0) * 0.7 + 60
    string = layers.limb((64, 100), (64 + rng.uniform(-8, 8), 127), 0.8, 0.8)
    layers.paint(canvas, string, (200, 200, 200))
    wide = rng.uniform(38, 48)
    layers.paint(canvas, np.array([[64, 100], [58, 109], [70, 109]]), colour * 0.7)
    body = layers.ellipse((64, 54), (wide, 50))
    layers.paint(canvas, body, layers.tint(colour, _ball_light(rng)))
    shine = layers.ellipse((64 - wide * 0.35, 30), (6, 10), 0.5)
    layers.paint(canvas, shine, np.minimum(colour + 90, 255))


def _ball(rng, canvas):
    colour = layers.random_colour(rng, 0.9)
    light = _ball_light(rng)
    layers.paint(canvas, layers.ellipse((64, 64), (60, 60)), layers.tint(colour, light))
    for _ in range(int(rng.integers(0, 7))):
        spot = rng.uniform(28, 100, 2)
        mark = layers.ellipse(spot, rng.uniform(5, 13, 2), rng.uniform(0, 3), 6)
        layers.paint(canvas, mark, layers.random_colour(rng))


def _clock(rng, canvas):
    layers.paint(canvas, layers.ellipse((64, 64), (61, 61)), layers.random_colour(rng))
    face = layers.random_colour(rng, 0.1) * 0.2 + 200
    layers.paint(canvas, layers.ellipse((64, 64), (54, 54)), face)
    for hour in np.arange(12) * np.pi / 6:
        arrow = np.array([np.cos(hour), np.sin(hour)])
        layers.paint(
            canvas, layers.limb(64 + 44 * arrow, 64 + 50 * arrow, 2, 2), (30,) * 3
        )
    for length in (28, 42):
        turn = rng.uniform(0, 2 * np.pi)
        tip = 64 + length * np.array([np.cos(turn), np.sin(turn)])
        layers.paint(canvas, layers.limb((64, 64), tip, 2.5, 1.5), (25, 25, 25))


def _plate(rng, canvas):
    colour = layers.random_colour(rng, 0.2) * 0.3 + 170
    wide = rng.uniform(40, 60)
    for radius, shade in ((60, 0.95), (44, 0.85), (42, 1.0)):
        rim = layers.ellipse((64, 64), (wide * radius / 60, radius))
        layers.paint(
            canvas, rim, layers.tint(colour * shade, _ball_light(rng) * 0.3 + 0.7)
        )
    for _ in range(int(rng.integers(0, 5))):
        spot = rng.uniform(45, 83, 2)
        food = layers.ellipse(spot, rng.uniform(5, 14, 2), rng.uniform(0, 3))
        layers.paint(canvas, food, layers.random_colour(rng, 0.9))


def _blob(rng, canvas):
    """Paint a skin-coloured shape without features: cushion, bag, bare shoulder."""
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    radius = rng.uniform(38, 62, 8)
    points = 64 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    light = _ball_light(rng) + 0.05 * layers.noise(rng, 32, 32)
    texture = layers.tint(layers.skin_colour(rng), light)
    layers.paint(canvas, layers.smooth(points, 3), texture)


def _lantern(rng, canvas):
    colour = np.array([255, rng.uniform(120, 235), rng.uniform(40, 190)])
    light = 1.15 - 0.25 * np.abs(np.linspace(-1, 1, 24))[None].repeat(24, 0)
    light[::3] *= 0.88
    wide = rng.uniform(36, 58)
    layers.paint(canvas, layers.rectangle(56, 4, 72, 124), (50, 40, 35))
    layers.paint(
        canvas, layers.ellipse((64, 64), (wide, 54)), layers.tint(colour, light)
    )


def _dummy(rng, canvas):
    """Paint an oval with the outline and hair of a head but no face on it."""
    hair = layers.random_colour(rng, 0.5) * 0.4
    layers.paint(canvas, layers.ellipse((64, 58), (50, 56)), hair)
    texture = layers.tint(layers.skin_colour(rng), _ball_light(rng))
    layers.paint(canvas, layers.ellipse((64, 70), (40, 52)), texture)


def _sign(rng, canvas):
    layers.paint(canvas, layers.rectangle(60, 60, 68, 128), (120, 95, 65))
    paper = layers.random_colour(rng, 0.7) * 0.5 + 110
    tall = rng.uniform(40, 75)
    light = 1 + 0.04 * layers.noise(rng, 16, 16)
    layers.paint(
        canvas, layers.rectangle(3, 8, 125, 8 + tall), layers.tint(paper, light)
    )
    ink = (*(layers.random_colour(rng) * 0.4).tolist(), 255)
    rows = int(rng.integers(1, 4))
    for row in range(rows):
        letters = rng.integers(65, 91, int(rng.integers(3, 7)))
        line = int(8 + tall * (row + 0.75) / rows)
        cv2.putText(
            canvas,
            bytes(letters.astype(np.uint8)).decode(),
            (9, line),
            int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX])),
            1.4 / rows + 0.25,
            ink,
            2,
            cv2.LINE_AA,
        )


def _cup(rng, canvas):
    colour = layers.random_colour(rng, 0.6) * 0.6 + 90
    shade = layers.tint(colour, 1.15 - 0.5 * np.linspace(-0.8, 1, 16)[None] ** 2)
    layers.paint(canvas, np.array([[36, 20], [92, 20], [84, 122], [44, 122]]), shade)
    layers.paint(
        canvas, layers.ellipse((64, 20), (29, 7)), np.minimum(colour * 1.2, 255)
    )
    layers.paint(canvas, layers.ellipse((64, 21), (24, 5)), (70, 45, 30))
    skin = layers.skin_colour(rng)
    for row in range(4):
        finger = layers.limb((30, 60 + row * 13), (62, 62 + row * 13), 8, 6.5)
        layers.paint(
            canvas, finger, layers.tint(skin, np.linspace(1.1, 0.75, 8)[:, None])
        )


def _hand(rng, canvas):
    skin = layers.skin_colour(rng)
    shade = layers.tint(skin, np.linspace(1.1, 0.8, 12)[:, None])
    layers.paint(canvas, layers.limb((64, 90), (64, 128), 24, 20), shade)
    spread = rng.uniform(0.6, 1.2)
    for number in range(4):
        base = np.array([44 + number * 13.0, 62])
        lean = (number - 1.5) * 0.16 * spread
        length = (44, 54, 52, 40)[number] * rng.uniform(0.7, 1.0)
        tip = base + length * np.array([np.sin(lean), -np.cos(lean)])
        layers.paint(canvas, layers.limb(base, tip, 7.5, 6), shade)
    layers.paint(canvas, layers.limb((38, 92), (14, 60), 9, 7), shade)
    palm = layers.smooth(
        [[36, 56], [92, 56], [94, 100], [78, 116], [50, 116], [34, 96]]
    )
    layers.paint(canvas, palm, layers.tint(skin, _ball_light(rng) * 0.5 + 0.5))


def _plant(rng, canvas):
    green = np.array([rng.uniform(30, 90), rng.uniform(80, 150), rng.uniform(20, 70)])
    for _ in range(int(rng.integers(9, 18))):
        turn = rng.uniform(-1.3, 1.3)
        length = rng.uniform(50, 118)
        root = np.array([64 + rng.uniform(-14, 14), 126])
        tip = root + length * np.array([np.sin(turn), -np.cos(turn)])
        across = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(4, 10)
        middle = root + 0.55 * (tip - root)
        leaf = layers.smooth([root, middle - across, tip, middle + across], 2)
        layers.paint(canvas, leaf, np.clip(green * rng.uniform(0.6, 1.3), 0, 255))


def _phone(rng, canvas):
    skin = layers.skin_colour(rng)
    layers.paint(canvas, layers.limb((64, 105), (58, 128), 22, 20), skin * 0.9)
    layers.paint(canvas, layers.rectangle(34, 14, 94, 116), (24, 24, 27))
    case = layers.tint(layers.random_colour(rng), np.linspace(0.7, 1, 8)[:, None])
    layers.paint(canvas, layers.rectangle(37, 17, 91, 113), case)
    layers.paint(canvas, layers.ellipse((46, 27), (5, 5)), (12, 12, 16))
    for row in range(3):
        finger = layers.limb((100, 62 + row * 16), (84, 64 + row * 16), 8, 7)
        layers.paint(canvas, finger, skin)


def _umbrella(rng, canvas):
    layers.paint(canvas, layers.rectangle(62.5, 40, 65.5, 127), (60, 60, 64))
    first, second = layers.random_colour(rng, 0.9), layers.random_colour(rng, 0.9)
    arch = np.linspace(np.pi, 2 * np.pi, 25)
    edge = np.stack([64 + 62 * np.cos(arch), 62 + 52 * np.sin(arch)], axis=1)
    for number in range(6):
        part = edge[number * 4 : number * 4 + 5]
        colour = (first if number % 2 else second) * (1.1 - 0.1 * number)
        layers.paint(canvas, np.vstack([part, [64, 56]]), np.clip(colour, 0, 255))


_DRAWERS = {
    "balloon": _balloon,
    "ball": _ball,
    "clock": _clock,
    "plate": _plate,
    "blob": _blob,
    "lantern": _lantern,
    "dummy": _dummy,
    "sign": _sign,
    "cup": _cup,
    "hand": _hand,
    "plant": _plant,
    "phone": _phone,
    "umbrella": _umbrella,
}
