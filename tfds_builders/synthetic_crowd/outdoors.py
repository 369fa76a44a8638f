"""Streets and parks: sky, houses, trees, ground."""

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import ground, layers

_SKIES = (  # colour at the top, colour at the horizon
    ((70, 120, 190), (190, 210, 230)),
    ((120, 150, 190), (225, 225, 225)),
    ((150, 155, 162), (205, 205, 205)),
    ((80, 85, 130), (235, 170, 120)),
    ((18, 22, 40), (60, 62, 80)),
)


def _sky(rng, canvas, horizon):
    top, low = (
        np.array(c) for c in _SKIES[rng.choice(5, p=(0.3, 0.25, 0.2, 0.13, 0.12))]
    )
    rows = int(np.clip(np.ceil(horizon), 1, canvas.shape[0]))
    size = max(2, rows // 4), max(2, canvas.shape[1] // 4)  # clouds are soft
    sky = np.repeat(layers.gradient(top, low, size[0]), size[1], axis=1)
    share = np.clip(layers.noise(rng, *size) - 0.2, 0, 1) * rng.uniform(0, 0.6)
    sky = sky + share[..., None] * (low + 25.0 - sky)
    sky = cv2.resize(np.clip(sky, 0, 255), (canvas.shape[1], rows))
    canvas[:rows] = sky
    return low.astype(np.float64)


def _facade(rng, columns: int, floors: int, air, share: float) -> np.ndarray:
    """Return a house front with windows, uint8 [floors * 24, columns * 18, 3]."""
    walls = layers.random_colour(rng, 0.3) * 0.6 + 70
    glass = rng.uniform(0.25, 0.7) * walls + rng.uniform(-10, 30)
    panes = glass * rng.uniform(0.75, 1.2, (floors, columns, 1))
    panes[rng.random((floors, columns)) < 0.08] = (250, 215, 140)  # lit from inside
    window = np.zeros((8, 6, 1))
    window[1 : rng.integers(4, 8), 1 : rng.integers(4, 6)] = 1
    window = np.tile(window, (floors, columns, 1))
    front = walls * np.linspace(1.05, 0.9, floors * 8)[:, None, None] * (1 - window)
    front += np.kron(panes, np.ones((8, 6, 1))) * window
    front = (front * (1 - share) + np.asarray(air) * share).astype(np.float32)
    return np.clip(cv2.resize(front, None, fx=3, fy=3), 0, 255).astype(np.uint8)


def _skyline(rng, canvas, horizon, air, reach: float, share: float):
    """Stand houses side by side along the horizon, at most `reach` pixels high."""
    x = -rng.uniform(0, 0.1) * canvas.shape[1]
    while x < canvas.shape[1]:
        tall = reach * rng.uniform(0.35, 1)
        wide = reach * rng.uniform(0.3, 0.7)
        floors = int(rng.integers(4, 10))
        columns = max(2, int(floors * 8 / 6 * wide / tall))
        front = _facade(rng, min(columns, 12), floors, air, share)
        base = horizon + 0.02 * canvas.shape[0]
        layers.paint(canvas, layers.rectangle(x, base - tall, x + wide, base), front)
        x += wide * rng.uniform(0.95, 1.3)


def _house_row(rng, canvas, horizon, air, left: bool):
    """Draw a row of houses that runs from the picture's side to the horizon."""
    height, width = canvas.shape[:2]
    side = 0.0 if left else float(width)
    near, far = rng.uniform(0.12, 0.3) * width, rng.uniform(0.38, 0.48) * width
    if not left:
        near, far = width - near, width - far
    top = horizon - height * rng.uniform(0.9, 1.6)
    bottom = horizon + height * rng.uniform(0.5, 0.8)
    outer = side - (near - side) * 1.5
    for begin, end, share in ((outer, near, 0.05), (near, far, 0.3)):
        front = _facade(
            rng, int(rng.integers(4, 9)), int(rng.integers(4, 8)), air, share
        )
        shrink = [(abs(v - width / 2)) / abs(outer - width / 2) for v in (begin, end)]
        quad = np.float32(
            [
                [begin, horizon + (top - horizon) * shrink[0]],
                [end, horizon + (top - horizon) * shrink[1]],
                [end, horizon + (bottom - horizon) * shrink[1]],
                [begin, horizon + (bottom - horizon) * shrink[0]],
            ]
        )
        _paint_quad(canvas, quad, front)


def _paint_quad(canvas, quad: np.ndarray, texture: np.ndarray) -> None:
    """Lay a texture over a quadrangle; its corners clockwise from top left."""
    low = np.maximum(np.floor(quad.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(quad.max(0)) + 1, canvas.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    quad = np.float32(quad - low)
    h, w = texture.shape[:2]
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    matrix = cv2.getPerspectiveTransform(corners, quad)
    size = tuple(int(v) for v in high - low)
    warped = cv2.warpPerspective(texture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    alpha = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(alpha, [np.round(quad * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    layers.over(canvas, layers.premultiply(warped, alpha), int(low[1]), int(low[0]))


def _tree(rng, canvas, x, base, tall, air, share):
    """Plant a tree: a trunk and a crown of noisy leaves."""
    bark = np.array([62, 50, 40]) * (1 - share) + air * share
    trunk = layers.limb((x, base), (x, base - tall * 0.6), tall * 0.025, tall * 0.015)
    layers.paint(canvas, trunk, bark)
    size = int(np.clip(tall * 0.8, 6, 160))
    grid = np.linspace(-1, 1, size, dtype=np.float32)
    far = grid[:, None] ** 2 + grid[None] ** 2
    leaves = layers.noise(rng, size, size)
    alpha = np.clip((0.75 - far + 0.3 * np.minimum(leaves, 0.8)) * 6, 0, 1)
    green = np.array([rng.uniform(40, 110), rng.uniform(75, 120), rng.uniform(25, 60)])
    light = 0.85 + 0.3 * layers.noise(rng, size, size) - 0.3 * grid[:, None]
    crown = layers.tint(green, light) * (1 - share) + air * share
    patch = layers.premultiply(crown.astype(np.uint8), (alpha * 255).astype(np.uint8))
    side = max(2, int(tall * 0.8))
    patch = cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR)
    layers.over(canvas, patch, int(base - tall), int(x - side / 2))


def _trees(rng, canvas, horizon, air, count: int):
    height, width = canvas.shape[:2]
    for tall in np.sort(np.exp(rng.uniform(np.log(0.15), np.log(1.2), count))) * height:
        share = 0.45 * np.exp(-2.5 * tall / height)
        base = horizon + 0.14 * tall
        _tree(rng, canvas, rng.uniform(0, width), base, tall, air, share)


def street(
    rng: np.random.Generator, canvas: np.ndarray, horizon: float, foot: float
) -> np.ndarray:
    """Draw a street on a canvas uint8 [H, W, 3]; return the colour of the air."""
    del foot  # a plain has room for everyone
    air = _sky(rng, canvas, horizon)
    grey = rng.uniform(0.45, 0.8) * air.mean() + rng.uniform(-12, 12, 3)
    paving = ground.pattern(
        rng, str(rng.choice(["tiles", "plain"])), np.clip(grey, 20, 200)
    )
    ground.lay(rng, canvas, horizon, paving, air)
    height = canvas.shape[0]
    _skyline(rng, canvas, horizon, air, height * rng.uniform(0.2, 0.45), 0.55)
    _skyline(rng, canvas, horizon, air, height * rng.uniform(0.1, 0.3), 0.3)
    for left in (True, False):
        if rng.random() < 0.55:
            _house_row(rng, canvas, horizon, air, left)
    _trees(rng, canvas, horizon, air, int(rng.integers(0, 4)))
    return air


def park(
    rng: np.random.Generator, canvas: np.ndarray, horizon: float, foot: float
) -> np.ndarray:
    """Draw a park on a canvas uint8 [H, W, 3]; return the colour of the air."""
    del foot  # a plain has room for everyone
    air = _sky(rng, canvas, horizon)
    dim = air.mean() / 220
    green = np.array([rng.uniform(70, 130), rng.uniform(105, 140), rng.uniform(45, 70)])
    kind, colour = (
        ("grass", green) if rng.random() < 0.7 else ("plain", (190, 170, 130))
    )
    ground.lay(
        rng, canvas, horizon, ground.pattern(rng, kind, np.array(colour) * dim), air
    )
    if rng.random() < 0.5:
        _skyline(rng, canvas, horizon, air, canvas.shape[0] * 0.25, 0.6)
    _trees(rng, canvas, horizon, air, int(rng.integers(4, 12)))
    return air
