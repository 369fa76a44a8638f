"""Places for a crowd: streets, parks and rooms, drawn in perspective."""

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import layers

_SKIES = (  # colour at the top, colour at the horizon
    ((70, 120, 190), (190, 210, 230)),
    ((120, 150, 190), (225, 225, 225)),
    ((150, 155, 162), (205, 205, 205)),
    ((80, 85, 130), (235, 170, 120)),
    ((18, 22, 40), (60, 62, 80)),
)


def draw(rng: np.random.Generator, height: int, width: int, horizon: float):
    """Draw an empty place.

    Args:
        rng: source of every choice.
        height, width: size in pixels.
        horizon: row of the horizon, pixels.

    Returns:
        image uint8 [height, width, 3]; colour of the air, float [3].
    """
    kinds = (_street, _park, _room, _hall)
    kind = kinds[int(rng.choice(len(kinds), p=(0.3, 0.2, 0.32, 0.18)))]
    canvas = np.zeros((height, width, 3), np.uint8)
    return canvas, kind(rng, canvas, horizon)


def _rows(top, bottom, count: int) -> np.ndarray:
    """Return a vertical gradient between two colours, uint8 [count, 1, 3]."""
    share = np.linspace(0, 1, max(count, 1))[:, None, None]
    return (np.asarray(top) * (1 - share) + np.asarray(bottom) * share).astype(np.uint8)


def _sky(rng, canvas, horizon):
    top, low = (
        np.array(c) for c in _SKIES[rng.choice(5, p=(0.3, 0.25, 0.2, 0.13, 0.12))]
    )
    rows = int(np.clip(np.ceil(horizon), 1, canvas.shape[0]))
    sky = np.repeat(_rows(top, low, rows), canvas.shape[1], axis=1).astype(np.float32)
    clouds = np.clip(layers.noise(rng, rows, canvas.shape[1]) - 0.2, 0, 1)[..., None]
    sky += clouds * rng.uniform(0, 0.6) * (low + 25 - sky)
    canvas[:rows] = np.clip(sky, 0, 255)
    return low.astype(np.float64)


def _pattern(rng, kind: str, colour) -> np.ndarray:
    """Return 128 x 128 pixels of ground that can be laid side by side."""
    light = 1 + 0.1 * layers.noise(rng, 128, 128)
    light[-32:] += (light[:32] - light[-32:]) * np.linspace(0, 1, 32)[:, None]
    light[:, -32:] += (light[:, :32] - light[:, -32:]) * np.linspace(0, 1, 32)
    if kind == "tiles":
        light[::32] *= 0.7
        light[:, ::32] *= 0.7
        light *= np.kron(rng.uniform(0.9, 1.1, (4, 4)), np.ones((32, 32)))
    elif kind == "planks":
        light *= np.kron(rng.uniform(0.8, 1.15, (1, 8)), np.ones((128, 16)))
        light[:, ::16] *= 0.6
    elif kind == "grass":
        light *= rng.uniform(0.7, 1.25, (128, 128))
    return layers.tint(colour, light)


def _plane(rng, canvas, horizon, pattern, far, below=True):
    """Lay a pattern on the floor (below the horizon) or the ceiling, in place."""
    height, width = canvas.shape[:2]
    first = int(np.clip(np.ceil(horizon), 0, height))
    top, bottom = (first, height) if below else (0, first)
    if bottom - top < 2:
        return
    # Half the size is enough for a ground, and four times as fast.
    rows = np.arange(top, bottom, 2)
    distance = np.abs(rows - horizon) / height
    zoom = rng.uniform(1.5, 3.5) * 128
    depth = height * zoom * rng.uniform(0.15, 0.3)
    centre = width * rng.uniform(0.3, 0.7)
    step = 1 if below else -1
    matrix = np.array(
        [
            [2 * zoom, 0, -zoom * centre],
            [0, 0, depth],
            [0, 2 * step, step * (top - horizon) + 1e-3],
        ]
    )
    plane = cv2.warpPerspective(
        pattern,
        matrix,
        ((width + 1) // 2, len(rows)),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    # Far rows hold more than one tile per pixel: they show the mean, not moiré.
    air = np.exp(-distance * 14)[:, None, None] * 0.6
    detail = np.clip(distance * 3.5, 0, 1)[:, None, None] ** 0.7 * (1 - air)
    flat = pattern.reshape(-1, 3).mean(0) * (1 - air - detail) + np.asarray(far) * air
    mixed = (plane * detail.astype(np.float32) + flat.astype(np.float32)).astype(
        np.uint8
    )
    canvas[top:bottom] = cv2.resize(mixed, (width, bottom - top))


def _facade(rng, columns: int, floors: int, air, share: float) -> np.ndarray:
    """Return the front of a house with windows, uint8 [floors * 8, columns * 6, 3]."""
    walls = layers.random_colour(rng, 0.3) * 0.6 + 70
    front = np.empty((floors * 8, columns * 6, 3), np.float32)
    front[:] = walls * np.linspace(1.05, 0.9, floors * 8)[:, None, None]
    glass = rng.uniform(0.25, 0.7) * walls + rng.uniform(-10, 30)
    tall, wide = rng.integers(3, 7), rng.integers(3, 6)
    for floor in range(floors):
        for column in range(columns):
            lit = np.array([250, 215, 140]) if rng.random() < 0.08 else glass
            y, x = floor * 8 + 1, column * 6 + 1
            front[y : y + tall, x : x + wide] = lit * rng.uniform(0.75, 1.2)
    mixed = front * (1 - share) + np.asarray(air) * share
    return np.clip(cv2.resize(mixed, None, fx=3, fy=3), 0, 255).astype(np.uint8)


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
    """Lay a texture over a quadrangle in perspective; corners clockwise from top left."""
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
    bark = np.array([84, 64, 48]) * (1 - share) + air * share
    trunk = layers.limb((x, base), (x, base - tall * 0.6), tall * 0.035, tall * 0.02)
    layers.paint(canvas, trunk, bark)
    size = int(np.clip(tall * 0.8, 6, 160))
    grid = np.linspace(-1, 1, size, dtype=np.float32)
    far = grid[:, None] ** 2 + grid[None] ** 2
    leaves = layers.noise(rng, size, size)
    alpha = np.clip((0.75 - far + 0.3 * leaves) * 6, 0, 1)
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


def _street(rng, canvas, horizon):
    air = _sky(rng, canvas, horizon)
    grey = np.full(3, rng.uniform(0.45, 0.8)) * air + rng.uniform(-12, 12, 3)
    ground = _pattern(
        rng, str(rng.choice(["tiles", "asphalt"])), np.clip(grey, 20, 200)
    )
    _plane(rng, canvas, horizon, ground, air)
    height = canvas.shape[0]
    _skyline(rng, canvas, horizon, air, height * rng.uniform(0.2, 0.45), 0.55)
    _skyline(rng, canvas, horizon, air, height * rng.uniform(0.1, 0.3), 0.3)
    for left in (True, False):
        if rng.random() < 0.55:
            _house_row(rng, canvas, horizon, air, left)
    _trees(rng, canvas, horizon, air, int(rng.integers(0, 4)))
    return air


def _park(rng, canvas, horizon):
    air = _sky(rng, canvas, horizon)
    dim = air.mean() / 220
    green = np.array([rng.uniform(70, 130), rng.uniform(105, 140), rng.uniform(45, 70)])
    kind, colour = ("grass", green) if rng.random() < 0.7 else ("sand", (190, 170, 130))
    _plane(rng, canvas, horizon, _pattern(rng, kind, np.array(colour) * dim), air)
    if rng.random() < 0.5:
        _skyline(rng, canvas, horizon, air, canvas.shape[0] * 0.25, 0.6)
    _trees(rng, canvas, horizon, air, int(rng.integers(4, 12)))
    return air


def _wall_things(rng, canvas, box, air):
    """Hang windows, doors, pictures and shelves on a back wall."""
    x0, y0, x1, y1 = box
    tall = y1 - y0
    x = x0 + tall * rng.uniform(0.02, 0.2)
    while x < x1 - tall * 0.15:
        kind = rng.choice(["window", "door", "picture", "shelf", "gap"])
        wide = tall * rng.uniform(0.15, 0.45)
        frame = layers.random_colour(rng, 0.3)
        if kind == "window":
            box_ = layers.rectangle(x, y0 + tall * 0.18, x + wide, y0 + tall * 0.65)
            layers.paint(canvas, box_, frame)
            inner = layers.rectangle(
                x + wide * 0.06, y0 + tall * 0.21, x + wide * 0.94, y0 + tall * 0.62
            )
            layers.paint(canvas, inner, _rows((215, 228, 245), (170, 185, 175), 16))
            bar = layers.rectangle(
                x + wide * 0.48, y0 + tall * 0.2, x + wide * 0.52, y0 + tall * 0.63
            )
            layers.paint(canvas, bar, frame)
        elif kind == "door":
            box_ = layers.rectangle(x, y0 + tall * 0.25, x + wide * 0.8, y1)
            layers.paint(canvas, box_, frame * 0.7)
            inner = layers.rectangle(
                x + wide * 0.05, y0 + tall * 0.28, x + wide * 0.75, y1
            )
            layers.paint(canvas, inner, frame)
        elif kind == "picture":
            low = y0 + tall * rng.uniform(0.2, 0.35)
            high = low + wide * rng.uniform(0.5, 0.9)
            layers.paint(canvas, layers.rectangle(x, low, x + wide, high), frame * 0.5)
            art = rng.uniform(20, 230, (3, 4, 3)).astype(np.uint8)
            edge = wide * 0.06
            inner = layers.rectangle(x + edge, low + edge, x + wide - edge, high - edge)
            layers.paint(canvas, inner, cv2.resize(art, (24, 18)))
        elif kind == "shelf":
            books = np.zeros((40, 48, 3), np.uint8)
            for row in range(4):
                for column in range(12):
                    top = row * 10 + rng.integers(1, 4)
                    colour = layers.random_colour(rng)
                    books[top : row * 10 + 9, column * 4 : column * 4 + 3] = colour
                books[row * 10 + 9] = frame
            box_ = layers.rectangle(x, y0 + tall * 0.2, x + wide, y1)
            layers.paint(canvas, box_, books)
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


def _box_room(rng, canvas, horizon, wall, depth: float):
    """Draw floor, ceiling and side walls; return the back wall's x0, y0, x1, y1."""
    height, width = canvas.shape[:2]
    centre = width * rng.uniform(0.35, 0.65)
    x0, x1 = centre - width * depth, centre + width * depth
    y0 = horizon - height * depth * rng.uniform(0.8, 1.1)
    y1 = horizon + height * depth * rng.uniform(0.5, 0.8)
    floor = layers.random_colour(rng, 0.4) * 0.5 + 55
    kind = str(rng.choice(["tiles", "planks", "carpet"]))
    _plane(rng, canvas, horizon, _pattern(rng, kind, floor), wall * 0.6)
    ceiling = np.full(3, rng.uniform(150, 235))
    plain = _pattern(rng, str(rng.choice(["tiles", "plain"])), ceiling)
    _plane(rng, canvas, horizon, plain, wall * 0.7, below=False)
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


def _table(rng, canvas, horizon, box):
    """Put a low piece of furniture against the back wall."""
    x0, _, x1, y1 = box
    tall = (y1 - horizon) * rng.uniform(0.4, 0.8)
    x = rng.uniform(x0, x1 - 0.2 * (x1 - x0))
    wide = tall * rng.uniform(1.0, 3.0)
    colour = layers.random_colour(rng, 0.5)
    shade = layers.tint(colour, np.linspace(1.1, 0.6, 8)[:, None])
    base = y1 + tall * 0.25
    layers.paint(canvas, layers.rectangle(x, base - tall, x + wide, base), shade)
    top = layers.rectangle(x - 2, base - tall * 1.06, x + wide + 2, base - tall * 0.94)
    layers.paint(canvas, top, np.minimum(colour * 1.3, 255))


def _room(rng, canvas, horizon):
    wall = layers.random_colour(rng, 0.35) * 0.55 + 95
    box = _box_room(rng, canvas, horizon, wall, rng.uniform(0.35, 0.6))
    _wall_things(rng, canvas, box, wall)
    for _ in range(int(rng.integers(0, 4))):
        _table(rng, canvas, horizon, box)
    _lamps(rng, canvas, horizon, int(rng.integers(0, 5)))
    return wall


def _hall(rng, canvas, horizon):
    wall = layers.random_colour(rng, 0.3) * 0.5 + rng.uniform(30, 110)
    box = _box_room(rng, canvas, horizon, wall, rng.uniform(0.15, 0.32))
    _wall_things(rng, canvas, box, wall)
    _lamps(rng, canvas, horizon, int(rng.integers(3, 9)))
    return wall
