"""One person: a head of the bank on a drawn, dressed body."""

from typing import NamedTuple

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import layers

# A body in units of its face box's longer side, from the chin downwards. Source:
# common drawing proportions; a person is about nine face boxes tall.
_WAIST, _HIPS, _KNEES, _FEET = 2.3, 3.0, 5.2, 7.6
_REACH = 2.3  # widest part of a body on each side of the face's centre
_BODY_UNIT = 56  # pixels per unit at which bodies are drawn at most
_MARGIN = 10  # pixels of air left around a person, for blur to spread into
_ABOVE = 2.2  # room for hair, hats and raised arms above the face's centre


class Head(NamedTuple):
    """A head of the bank, ready to be placed.

    Attributes:
        patch: uint8 [S, S, 4], premultiplied RGBA; fades out at its lower edge.
        box: float [4], yxyx, relative to the patch: the face, or for heads without a
            face the place where one would be.
        skin: float [3], colour of the skin.
        chest: float [2], where the shoulders begin and end at the patch's lower edge,
            x relative to the patch.
        cloth: uint8 [40, 3], colours of the clothes there, from left to right.
    """

    patch: np.ndarray
    box: np.ndarray
    skin: np.ndarray
    chest: np.ndarray
    cloth: np.ndarray


class Placement(NamedTuple):
    """Where a head stands in the scene.

    Attributes:
        centre: float [2], x y of the face's centre, pixels.
        face: longer side of the face box, pixels.
        roll: in-plane turn, radians, clockwise.
    """

    centre: np.ndarray
    face: float
    roll: float


def head_matrix(head_box: np.ndarray, place: Placement) -> np.ndarray:
    """Return the 2 x 3 matrix from patch coordinates (x, y in [0, 1]) to pixels."""
    y0, x0, y1, x1 = head_box
    scale = place.face / max(y1 - y0, x1 - x0)
    cos, sin = np.cos(place.roll) * scale, np.sin(place.roll) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return np.column_stack([turn, place.centre - turn @ middle])


def load(
    rgba: np.ndarray, box: np.ndarray, clothes: np.ndarray, has_face: bool
) -> Head:
    """Make a tile of the bank ready.

    Args:
        rgba: uint8 [S, S, 4], straight alpha.
        box: float [4], yxyx relative, where the face is or would be.
        clothes: uint8 [3], about the colour of the garment.
        has_face: whether the skin may be sampled on the face, else below it.
    """
    side = rgba.shape[0]
    y0, x0, y1, x1 = box
    row = y0 + (0.6 if has_face else 1.12) * (y1 - y0)
    low = np.clip(np.array([row, (x0 + x1) / 2]) * side - 5, 0, side - 10).astype(int)
    window = rgba[low[0] : low[0] + 10, low[1] : low[1] + 10].reshape(-1, 4)
    skin = _colour(window, np.full(3, 120.0))
    rows = rgba[int(side * 0.9) :]
    columns = np.flatnonzero((rows[..., 3] > 127).mean(0) > 0.5)
    if len(columns) < 5:  # nothing there: shoulders as wide as is usual
        columns = ((x0 + x1) / 2 + np.array([-0.9, 0.9]) * (y1 - y0)) * side
    chest = np.array([columns[0], columns[-1] + 1]) / side
    cloth = _cloth(rows[:, int(max(columns[0], 0)) : int(columns[-1]) + 1], clothes)
    fade = np.clip((side - np.arange(side)) / (0.1 * side), 0, 1)[:, None]
    alpha = (rgba[..., 3] * fade).astype(np.uint8)
    patch = layers.premultiply(np.ascontiguousarray(rgba[..., :3]), alpha)
    return Head(patch, box, skin, chest, cloth)


def _cloth(rows: np.ndarray, clothes: np.ndarray) -> np.ndarray:
    """Return 40 colours across a chest, uint8 [40, 3], without hair and bare skin."""
    pixels = rows.reshape(-1, 4)
    tint = pixels[:, :3] / np.maximum(pixels[:, :3].sum(1, keepdims=True), 1)
    strangeness = np.abs(tint - clothes / max(clothes.sum(), 1)).sum(1)
    garment = _colour(pixels[strangeness <= np.median(strangeness)], clothes)
    strips = np.array_split(rows, 40, axis=1)
    colours = np.array([_colour(strip.reshape(-1, 4), garment) for strip in strips])
    other = np.abs(colours - garment).sum(1) > 60
    colours[other] = garment
    colours = cv2.blur(colours[None], (9, 1), borderType=cv2.BORDER_REPLICATE)[0]
    return colours.astype(np.uint8)


def _colour(pixels: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the median colour of the opaque among RGBA pixels, float64 [3]."""
    solid = pixels[pixels[:, 3] > 200]
    return np.median(solid[:, :3], axis=0) if len(solid) else otherwise


def draw(
    rng: np.random.Generator, head: Head, place: Placement, height: int, width: int
) -> tuple[np.ndarray, int, int]:
    """Draw a person, cut to the picture.

    Args:
        rng: source of every choice.
        head: what to put on the shoulders.
        place: where the face lies in the picture.
        height, width: size of the picture, pixels.

    Returns:
        uint8 [h, w, 4] premultiplied patch; its top and left in the picture.
    """
    unit = place.face
    x, y = place.centre
    top = int(np.clip(y - _ABOVE * unit, 0, height - 1))
    bottom = int(np.clip(y + (_FEET + 1) * unit, top + 1, height))
    left = int(np.clip(x - _REACH * unit, 0, width - 1))
    right = int(np.clip(x + _REACH * unit, left + 1, width))
    # A body has no fine detail: drawn small and enlarged it is as cheap as a far one.
    shrink = max(1.0, unit / _BODY_UNIT)
    size = [max(1, round(v / shrink)) for v in (bottom - top, right - left)]
    layer = np.zeros((*size, 4), np.uint8)
    scale = np.array([size[1] / (right - left), size[0] / (bottom - top)])
    centre = (place.centre - [left, top]) * scale
    _draw_body(rng, layer, head, Placement(centre, unit / shrink, place.roll))
    layer = cv2.resize(layer, (right - left, bottom - top))
    _put_head(layer, head, place, left, top)
    x, y, wide, tall = cv2.boundingRect(cv2.extractChannel(layer, 3))
    x0, y0 = max(x - _MARGIN, 0), max(y - _MARGIN, 0)
    layer = layer[y0 : y + tall + _MARGIN, x0 : x + wide + _MARGIN]
    return np.ascontiguousarray(layer), top + y0, left + x0


def foot_row(place: Placement) -> float:
    """Return the row on which a person stands, pixels."""
    return place.centre[1] + (_FEET + 0.5) * place.face


def _put_head(layer, head, place, left, top) -> None:
    side = head.patch.shape[0]
    matrix = head_matrix(head.box, place)
    wanted = float(np.hypot(matrix[0, 0], matrix[1, 0]))  # side of the patch, pixels
    patch = head.patch
    if wanted < side:
        side = max(2, int(np.ceil(wanted)))
        patch = cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA)
    moved = matrix.copy()
    moved[:, 2] -= [left, top]
    moved[:, :2] /= side
    # Pixel i of a picture covers [i, i + 1): centres lie half a pixel further on.
    moved[:, 2] += moved[:, :2].sum(1) / 2 - 0.5
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]]) @ moved[:, :2].T
    corners = corners + moved[:, 2]
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, layer.shape[1::-1])
    if (high <= low).any():
        return
    moved[:, 2] -= low
    flags = cv2.INTER_CUBIC if wanted > side else cv2.INTER_LINEAR
    warped = cv2.warpAffine(
        patch, moved, tuple(int(v) for v in high - low), flags=flags
    )
    if flags == cv2.INTER_CUBIC:  # overshoots: colour must not exceed alpha
        warped = cv2.min(warped, cv2.merge([cv2.extractChannel(warped, 3)] * 4))
    layers.over(layer, warped, int(low[1]), int(low[0]))


def _draw_body(rng, layer, head, place) -> None:
    """Draw the body below the patch of the head, which already has shoulders."""
    matrix = head_matrix(head.box, place)
    middle = matrix[:, :2] @ [head.chest.mean(), 1.0] + matrix[:, 2]
    scale = np.hypot(matrix[0, 0], matrix[1, 0]) / place.face  # of patch, in units
    side = np.clip(np.ptp(head.chest) * scale / 2, 0.6, 1.5)
    start = (1 - head.box[2]) * scale  # of the drawn part, below the chin
    trousers = _plain(rng, layers.random_colour(rng, 0.45) * 0.7, 0.15)
    sleeves = _plain(rng, np.median(head.cloth, axis=0), 0.1)
    skin = _plain(rng, head.skin, 0.08)

    def fill(points, texture):
        points = (np.asarray(points) - [0, start]) * place.face + middle
        layers.paint(layer, points, texture)

    foot = np.add(middle, [0, (_FEET - start + 0.15) * place.face])
    _draw_shadow(layer, place.face, foot)
    if middle[1] + (_HIPS - start) * place.face < layer.shape[0]:
        _draw_legs(fill, side, trousers)
    short = rng.random() < 0.35
    bends = [_bend_arm(rng, sign, side, start) for sign in (-1, 1)]
    folded = [abs(wrist[0]) < abs(elbow[0]) - 0.4 for _, elbow, wrist in bends]
    for bend, before in zip(bends, folded, strict=True):
        if not before:
            _draw_arm(fill, bend, side, sleeves, skin, short)
    waist = side * rng.uniform(0.62, 0.8)
    half = [
        [side * 0.5, start - 0.5],
        [side * 0.98, start - 0.12],
        [side * 0.84, start + 0.3],
        [waist, _WAIST],
        [waist * 1.08, _HIPS + 0.3],
        [0, _HIPS + 0.35],
    ]
    mirrored = [[-x, y] for x, y in half[-2::-1]]
    fill(layers.smooth(half + mirrored, 2), _fabric(rng, head.cloth))
    for bend, before in zip(bends, folded, strict=True):
        if before:
            _draw_arm(fill, bend, side, sleeves, skin, short)


def _draw_shadow(layer, unit: float, foot: np.ndarray) -> None:
    """Darken the ground where a person stands."""
    if foot[1] - unit > layer.shape[0]:
        return
    radii = np.array([1.3, 0.3]) * unit
    shade = np.zeros((*np.ceil(2 * radii[::-1]).astype(int) + 3, 4), np.uint8)
    for grow in (1.0, 0.8, 0.6):
        layers.paint(shade, layers.ellipse(radii + 1, radii * grow), (0, 0, 0))
        top, left = np.round(foot - radii)[::-1].astype(int)
        layers.over(layer, shade // 5, int(top), int(left))


def _draw_legs(fill, side: float, trousers) -> None:
    for sign in (-1, 1):
        hip = np.array([sign * side * 0.38, _HIPS])
        knee = np.array([sign * side * 0.4, _KNEES])
        foot = np.array([sign * side * 0.42, _FEET])
        toe = np.add(foot, [sign * 0.15, 0.1])
        fill(layers.limb(foot, toe, 0.2, 0.17), (35, 30, 28))
        fill(layers.limb(knee, foot, 0.32, 0.22), trousers)
        fill(layers.limb(hip, knee, 0.42 * side, 0.34), trousers)


def _bend_arm(rng, sign: float, side: float, start: float):
    """Return shoulder, elbow and wrist of one arm."""
    shoulder = np.array([sign * side * 0.76, start - 0.05])
    pose = rng.choice(3, p=(0.78, 0.15, 0.07))
    across, down = rng.uniform(0, 1, 2)
    if pose == 0:  # hanging
        elbow = np.add(shoulder, [sign * (0.08 + 0.2 * across), 1.2])
        wrist = np.add(elbow, [sign * (0.37 * down - 0.25), 1.25])
    elif pose == 1:  # folded in front
        elbow = np.add(shoulder, [sign * (0.05 + 0.15 * across), 1.15])
        wrist = np.add(elbow, [-sign * (0.8 + 0.3 * across), 0.5 * down - 0.45])
    else:  # raised
        elbow = np.add(shoulder, [sign * (0.6 + 0.3 * across), -0.1 - 0.5 * down])
        wrist = np.add(elbow, [sign * 0.4 * across, -0.9 - 0.3 * down])
    return shoulder, elbow, wrist


def _draw_arm(fill, bend, side: float, sleeves, skin, short: bool) -> None:
    shoulder, elbow, wrist = bend
    thick = 0.25 * side
    if short:
        hem = shoulder + (elbow - shoulder) * 0.6
        fill(layers.limb(shoulder, elbow, thick * 0.8, thick * 0.7), skin)
        fill(layers.limb(elbow, wrist, thick * 0.7, thick * 0.5), skin)
        fill(layers.limb(shoulder, hem, thick, thick * 0.95), sleeves)
    else:
        fill(layers.limb(elbow, wrist, thick * 0.85, thick * 0.6), sleeves)
        fill(layers.limb(shoulder, elbow, thick, thick * 0.85), sleeves)
    hand = wrist + (wrist - elbow) * 0.2
    fill(layers.limb(wrist, hand, thick * 0.55, thick * 0.6), skin)


def _plain(rng, colour, folds: float, height: int = 24, width: int = 16) -> np.ndarray:
    """Return cloth or skin of one colour, rounded by shade, uint8 [h, w, 3]."""
    across = np.linspace(-1, 1, width)
    round_ = 1.05 - 0.4 * np.abs(across - rng.uniform(-0.3, 0.3)) ** 2
    light = round_[None] + folds * layers.noise(rng, height, width, 4)
    return layers.tint(colour, light)


def _fabric(rng, cloth: np.ndarray) -> np.ndarray:
    """Carry the clothes of a head on downwards, uint8 [48, 40, 3]."""
    front = np.repeat(cloth[None].astype(np.float32), 48, axis=0)
    light = 1 + 0.08 * layers.noise(rng, 48, 40, 3)
    light -= np.linspace(0, 0.15, 48)[:, None]
    light[:8] = 1 + (light[:8] - 1) * np.linspace(0, 1, 8)[:, None]  # as the head's
    kind = rng.random()
    if kind < 0.15:  # buttons or a zip
        front[:, 19:21] *= 0.75
    elif kind < 0.3:  # a belt
        front[42:45] *= 0.4
    return np.clip(front * light[..., None], 0, 255).astype(np.uint8)
