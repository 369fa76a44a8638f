"""One person: a head of the bank on a drawn, dressed body."""

from typing import NamedTuple

import cv2
import numpy as np

from tfds_builders.synthetic_crowd import layers

# A body in units of its face box's longer side, from the chin downwards. Source:
# common drawing proportions; a person is about nine face boxes tall.
_SHOULDERS, _WAIST, _HIPS, _KNEES, _FEET = 0.55, 2.3, 3.0, 5.2, 7.6
_REACH = 2.3  # widest part of a body on each side of the face's centre
_ABOVE = 2.2  # room for hair, hats and raised arms above the face's centre


class Head(NamedTuple):
    """A head of the bank, ready to be placed.

    Attributes:
        patch: uint8 [S, S, 4], premultiplied RGBA.
        box: float [4], yxyx, relative to the patch: the face, or for heads without a
            face the place where one would be.
        skin: float [3], colour of the skin.
    """

    patch: np.ndarray
    box: np.ndarray
    skin: np.ndarray


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
    layer = np.zeros((bottom - top, right - left, 4), np.uint8)
    neck = place.centre - [left, top] + [0, 0.5 * unit]
    body = _Body(rng, layer, neck, unit, head.skin)
    body.draw_behind_head()
    _put_head(layer, head, place, left, top)
    body.draw_before_head()
    return layer, top, left


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
    warped[..., :3] = cv2.min(warped[..., :3], cv2.merge([warped[..., 3]] * 3))
    layers.over(layer, warped, int(low[1]), int(low[0]))


class _Body:
    """Draws clothes and limbs around a head; units are face boxes."""

    def __init__(self, rng, layer, neck, unit, skin):
        self.rng, self.layer, self.unit, self.skin = rng, layer, unit, skin
        self.neck = np.asarray(neck)
        self.build = rng.uniform(0.88, 1.2)
        self.cloth = _fabric(rng)
        self.trousers = _plain(rng, layers.random_colour(rng, 0.45) * 0.7, 0.15)
        self.side = 1.15 * self.build  # half the width of the shoulders
        self.sleeve = rng.choice([0.35, 1.0], p=(0.35, 0.65))
        self.arms = [self._arm(sign) for sign in (-1, 1)]

    def _paint(self, points, texture) -> None:
        polygon = np.asarray(points) * self.unit + self.neck
        layers.paint(self.layer, polygon, texture)

    def _arm(self, sign: float):
        """Return shoulder, elbow, wrist of one arm."""
        rng = self.rng
        shoulder = np.array([sign * self.side * 0.86, _SHOULDERS + 0.22])
        pose = rng.choice(3, p=(0.78, 0.15, 0.07))
        if pose == 0:  # hanging
            elbow = np.add(shoulder, [sign * rng.uniform(0.1, 0.3), 1.45])
            wrist = np.add(elbow, [sign * rng.uniform(-0.25, 0.12), 1.25])
        elif pose == 1:  # folded in front
            elbow = np.add(shoulder, [sign * rng.uniform(0.15, 0.3), 1.35])
            wrist = np.add(
                elbow, [-sign * rng.uniform(0.8, 1.1), rng.uniform(-0.45, 0.1)]
            )
        else:  # raised
            elbow = np.add(
                shoulder, [sign * rng.uniform(0.6, 0.9), -rng.uniform(0.1, 0.6)]
            )
            wrist = np.add(
                elbow, [sign * rng.uniform(0.0, 0.4), -rng.uniform(0.9, 1.2)]
            )
        return shoulder, elbow, wrist

    def draw_behind_head(self) -> None:
        """Draw legs, arms and the back of the collar."""
        for sign in (-1, 1):
            hip, foot = np.array([sign * 0.42, _HIPS]), np.array([sign * 0.45, _FEET])
            knee = np.array([sign * 0.45, _KNEES])
            self._paint(
                layers.limb(foot, np.add(foot, [sign * 0.15, 0.1]), 0.2, 0.17),
                (35, 30, 28),
            )
            self._paint(layers.limb(knee, foot, 0.34, 0.22), self.trousers)
            self._paint(layers.limb(hip, knee, 0.5 * self.build, 0.36), self.trousers)
        for shoulder, elbow, wrist in self.arms:
            self._draw_arm(shoulder, elbow, wrist)
        collar = [[-0.62, 0.4], [0, 0.3], [0.62, 0.4], [0.5, 0.8], [-0.5, 0.8]]
        self._paint(layers.smooth(collar, 1), self.cloth[:4] // 2)

    def _draw_arm(self, shoulder, elbow, wrist) -> None:
        thick = 0.3 * self.build
        skin = _plain(self.rng, self.skin, 0.08)
        if self.sleeve < 1:
            hem = shoulder + (elbow - shoulder) * 0.6
            self._paint(layers.limb(shoulder, elbow, thick * 0.8, thick * 0.7), skin)
            self._paint(layers.limb(elbow, wrist, thick * 0.7, thick * 0.5), skin)
            self._paint(layers.limb(shoulder, hem, thick, thick * 0.95), self.cloth)
        else:
            self._paint(
                layers.limb(elbow, wrist, thick * 0.85, thick * 0.6), self.cloth
            )
            self._paint(layers.limb(shoulder, elbow, thick, thick * 0.85), self.cloth)
        hand = wrist + (wrist - elbow) * 0.2
        self._paint(layers.limb(wrist, hand, thick * 0.55, thick * 0.6), skin)

    def draw_before_head(self) -> None:
        """Draw the front of the garment, over the lower neck, and folded arms."""
        side, waist = self.side, 0.85 * self.build
        dip = self.rng.uniform(0.62, 0.8)
        half = [
            [0.0, dip],
            [0.3, dip - 0.14],
            [0.5, 0.4],
            [0.58, 0.42],
            [side * 0.82, _SHOULDERS],
            [side, _SHOULDERS + 0.3],
            [side * 0.95, 1.2],
            [waist, _WAIST],
            [waist * 1.05, _HIPS + 0.25],
        ]
        mirrored = [[-x, y] for x, y in half[:0:-1]]
        self._paint(layers.smooth(half + mirrored, 2), self.cloth)
        for shoulder, elbow, wrist in self.arms:
            if abs(wrist[0]) < abs(elbow[0]) - 0.5:
                self._draw_arm(shoulder, elbow, wrist)


def _plain(rng, colour, folds: float, height: int = 24, width: int = 16) -> np.ndarray:
    """Return cloth or skin of one colour, rounded by shade, uint8 [h, w, 3]."""
    across = np.linspace(-1, 1, width)
    round_ = 1.05 - 0.4 * np.abs(across - rng.uniform(-0.3, 0.3)) ** 2
    light = round_[None] + folds * layers.noise(rng, height, width, 4)
    return layers.tint(colour, light)


def _fabric(rng) -> np.ndarray:
    """Return the front of a garment, uint8 [48, 40, 3]."""
    cloth = np.empty((48, 40, 3), np.float32)
    cloth[:] = layers.random_colour(rng)
    second = layers.random_colour(rng)
    kind = rng.choice(6, p=(0.4, 0.15, 0.1, 0.1, 0.15, 0.1))
    width = int(rng.integers(2, 5))
    if kind == 1:  # stripes
        cloth[np.arange(48) % (2 * width) < width] = second
    elif kind == 2:  # checks
        cloth[np.arange(48) % (2 * width) < width] *= 0.75
        cloth[:, np.arange(40) % (2 * width) < width] *= 0.75
    elif kind == 3:  # a print on the chest
        cloth[12:24, 13:27] = second
    elif kind == 4:  # an open jacket over a shirt
        for row in range(48):
            half = max(1.5, 6 - row * 0.22)
            cloth[row, int(20 - half) : int(20 + half)] = second
    elif kind == 5:  # buttons or a zip
        cloth[:, 19:21] *= 0.6
    across = np.linspace(-1, 1, 40)
    light = 1.06 - 0.45 * np.abs(across - rng.uniform(-0.35, 0.35)) ** 2.5
    light = light[None] + 0.09 * layers.noise(rng, 48, 40, 3)
    light -= np.linspace(0, 0.15, 48)[:, None]
    return np.clip(cloth * light[..., None], 0, 255).astype(np.uint8)
