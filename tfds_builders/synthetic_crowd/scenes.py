"""Scenes of a crowd: people, things and a place, photographed.

Everything follows from one random generator per scene, so a scene depends on seed,
split and index alone, not on the order or the process it is made in.
"""

import functools
from typing import Any, NamedTuple

import cv2
import numpy as np

from safefakes_tf.config import CrowdConfig
from tfds_builders.synthetic_crowd import (
    annotations,
    assembly,
    backgrounds,
    layers,
    mannequins,
    objects,
    people,
)
from tfds_builders.synthetic_crowd import camera as cameras

SPLITS = ("train", "validation")
_TRAIN_SHARE = 0.8
_NEGATIVE_SHARE = 0.2  # people seen from behind and mannequins
_OCCLUDED_SHARE = 0.18  # of faces that get a thing of their own in front
_LARGEST = 0.5  # largest face, in heights of the picture


class Scene(NamedTuple):
    """A finished photo.

    Attributes:
        image: uint8 [H, W, 3], RGB, before compression.
        jpeg: the photo's file bytes.
        faces: what is known about its annotated faces.
    """

    image: np.ndarray
    jpeg: bytes
    faces: annotations.Annotation


def random_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """Return the generator of one scene."""
    entropy = np.random.SeedSequence([seed, SPLITS.index(split), index])
    return np.random.Generator(np.random.PCG64(entropy))


def split_tiles(bank: Any) -> dict[str, np.ndarray]:
    """Divide a bank of heads so that no identity is in both splits.

    Args:
        bank: a `HeadBank`.

    Returns:
        For each split the tile numbers it may use, int64. Tiles without a face have no
        identity and are in both.
    """
    identities = np.unique(bank.identities[bank.identities >= 0])
    shuffled = np.random.Generator(np.random.PCG64(2023)).permutation(identities)
    count = round(_TRAIN_SHARE * len(shuffled))
    parts = dict(zip(SPLITS, (shuffled[:count], shuffled[count:]), strict=True))
    return {
        split: np.flatnonzero(np.isin(bank.identities, part) | (bank.identities < 0))
        for split, part in parts.items()
    }


class Composer:
    """Composes scenes from a bank of heads."""

    def __init__(self, bank: Any, config: CrowdConfig):
        """Keep the bank and the settings; tiles are decoded when first needed."""
        self._bank, self._config = bank, config
        self._usual_size = np.nanmedian(bank.boxes[:, 2:] - bank.boxes[:, :2], axis=0)
        self._head = functools.lru_cache(maxsize=512)(self._load_head)

    def compose(self, rng: np.random.Generator, tiles: np.ndarray) -> Scene:
        """Compose one scene.

        Args:
            rng: source of every choice.
            tiles: numbers of the bank's tiles that may appear, int64.

        Returns:
            The scene. Faces of which less than 3 % is visible are not annotated.
        """
        height, width = self._config.height, self._config.width
        horizon = height * rng.uniform(0.12, 0.5)
        chosen = self._choose_tiles(rng, tiles)
        places = self._arrange(rng, len(chosen), horizon)
        nearest = max(place.face for place in places)
        focus = nearest if rng.random() < 0.5 else rng.uniform(0.2, 1) * nearest
        camera = cameras.choose(rng, height, focus)
        foot = min(people.foot_row(place) for place in places)
        image, air = backgrounds.draw(rng, height, width, horizon, foot)
        image = cameras.blur(image, cameras.defocus(camera, 0.012 * height))
        items = self._people(rng, chosen, places, camera, air)
        items += self._things(rng, places, camera)
        if rng.random() < 0.06:
            fence = objects.bars(rng, height, width)
            items.append(assembly.Item(np.inf, fence, 0, 0, -1))
        covered = assembly.assemble(image, items, self._outlines(chosen, places))
        photo = cameras.expose(rng, camera, image)
        faces = self._annotate(chosen, places, covered, camera)
        return Scene(photo, cameras.encode(camera, photo), faces)

    def _load_head(self, tile: int) -> people.Head:
        has_face = self._bank.kinds[tile] == "face"
        box = self._bank.boxes[tile] if has_face else self._faceless_box(tile)
        rgba = self._bank.tile(tile)
        if self._bank.kinds[tile] == "mannequin":
            rgba = mannequins.smooth_face(rgba, box)
        return people.load(rgba, box, self._bank.clothes_rgb[tile], has_face)

    def _faceless_box(self, tile: int) -> np.ndarray:
        """Return a box of the usual size, its chin where the head has its chin."""
        points = self._bank.keypoints68[tile]
        x = (points[:, 1].min() + points[:, 1].max()) / 2
        tall, wide = self._usual_size
        low = points[:, 0].max()
        return np.array([low - tall, x - wide / 2, low, x + wide / 2])

    def _choose_tiles(self, rng, tiles) -> list[int]:
        """Choose one tile per person; an identity comes once as long as it can."""
        identities = self._bank.identities[tiles]
        negatives = tiles[identities < 0]
        unused = rng.permutation(np.unique(identities[identities >= 0]))
        chosen = []
        for number in range(int(rng.integers(1, self._config.max_people + 1))):
            if len(negatives) and number and rng.random() < _NEGATIVE_SHARE:
                chosen.append(int(rng.choice(negatives)))
            else:
                views = tiles[identities == unused[number % len(unused)]]
                chosen.append(int(rng.choice(views, p=self._view_shares(views))))
        return chosen

    def _view_shares(self, views) -> np.ndarray:
        """Return how often each view is shown: most people look towards a camera."""
        turn = (self._bank.yaw[views] / 38) ** 2 + (self._bank.pitch[views] / 20) ** 2
        weights = np.exp(-turn.astype(np.float64))
        return weights / weights.sum()

    def _arrange(self, rng, count: int, horizon: float) -> list[people.Placement]:
        """Place the faces: log-uniform sizes, heights by perspective."""
        height, width = self._config.height, self._config.width
        largest = max(
            min(self._config.max_face, _LARGEST * height), self._config.min_face
        )
        bounds = np.log([self._config.min_face, largest])
        sizes = np.sort(np.exp(rng.uniform(*bounds, count)))[::-1]
        # All stand on one floor: the way down from the horizon grows with the size.
        lowest = horizon + rng.uniform(-0.05, 0.45) * height
        lowest = np.clip(lowest, 0.6 * sizes[0], height - 0.55 * sizes[0])
        places = []
        for size in sizes:
            row = horizon + (lowest - horizon) * size / sizes[0]
            row += size * np.clip(rng.normal(0, 0.35), -0.8, 0.8)
            row = np.clip(row, 0.45 * size, height - 0.4 * size)
            columns = rng.uniform(0.02, 0.98, 12) * width
            crowding = _crowding(columns, row, size, places)
            column = columns[np.argmin(crowding) if rng.random() > 0.15 else 0]
            roll = rng.normal(0, 0.09) if size > 20 else 0.0
            places.append(people.Placement(np.array([column, row]), size, roll))
        return places

    def _people(self, rng, chosen, places, camera, air) -> list[assembly.Item]:
        height, width = self._config.height, self._config.width
        items = []
        for number, (tile, place) in enumerate(zip(chosen, places, strict=True)):
            head = self._head(tile)
            patch, top, left = people.draw(rng, head, place, height, width)
            gain = rng.uniform(0.8, 1.0) * (0.75 + 0.25 * air / max(air.max(), 1))
            haze = 0.3 * np.exp(-place.face / (0.04 * height))
            patch = layers.recolour(patch, gain, air, haze)
            patch = cameras.blur(patch, cameras.defocus(camera, place.face))
            items.append(assembly.Item(place.face, patch, top, left, number))
        return items

    def _things(self, rng, places, camera) -> list[assembly.Item]:
        """Scatter round things, and put something before some of the faces."""
        height, width = self._config.height, self._config.width
        wanted = []
        for place in places:
            if rng.random() < _OCCLUDED_SHARE:
                side = place.face * rng.uniform(0.7, 1.6)
                offset = rng.normal(0, 0.45, 2) * place.face + [0, 0.35 * side]
                kind = str(rng.choice(objects.OCCLUDERS))
                wanted.append((kind, side, place.centre + offset, place.face * 1.01))
        low, high = self._config.min_face, 0.3 * height
        for _ in range(int(rng.poisson(2.0))):
            side = np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.1))))
            spot = rng.uniform(0, 1, 2) * [width, 0.95 * height]
            kind = str(rng.choice(objects.DISTRACTORS))
            wanted.append((kind, side, spot, side * rng.uniform(0.3, 1.0)))
        items = []
        for kind, side, spot, depth in wanted:
            pixels = max(3, round(side))
            drawn = objects.draw(rng, kind)
            shrinks = pixels < drawn.shape[0]
            way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            patch = cv2.resize(drawn, (pixels, pixels), interpolation=way)
            patch = cameras.blur(patch, cameras.defocus(camera, depth))
            top, left = np.round(spot[::-1] - pixels / 2).astype(int)
            items.append(assembly.Item(depth, patch, int(top), int(left), -1))
        return items

    def _outlines(self, chosen, places) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Return centre, radii and turn of the ellipse that each face fills."""
        outlines = []
        for tile, place in zip(chosen, places, strict=True):
            y0, x0, y1, x1 = self._head(tile).box
            scale = place.face / max(y1 - y0, x1 - x0)
            radii = np.array([x1 - x0, y1 - y0]) * scale / 2
            outlines.append((place.centre, radii, place.roll))
        return outlines

    def _annotate(self, chosen, places, covered, camera) -> annotations.Annotation:
        bank, views = self._bank, []
        for tile, place, hidden in zip(chosen, places, covered, strict=True):
            if bank.kinds[tile] != "face":
                continue
            matrix = people.head_matrix(bank.boxes[tile], place)
            points = bank.keypoints68[tile][:, ::-1] @ matrix[:, :2].T + matrix[:, 2]
            spread = cameras.defocus(camera, place.face) + camera.shake / 3.5
            views.append(
                annotations.FaceView(
                    box=annotations.turned_box(bank.boxes[tile], place),
                    keypoints=points[:, ::-1],
                    identity=int(bank.identities[tile]),
                    yaw=float(bank.yaw[tile]),
                    pitch=float(bank.pitch[tile]),
                    covered=float(hidden),
                    blur=spread / place.face,
                    light=camera.exposure,
                )
            )
        return annotations.annotate(views, self._config.height, self._config.width)


def _crowding(columns, row, size, places) -> np.ndarray:
    """Return how much a face in each column would lie under the nearer people."""
    total = np.zeros(len(columns))
    for place in places:
        above = row < place.centre[1] - 0.8 * place.face
        reach = (0.3 if above else 1.3) - abs(columns - place.centre[0]) / place.face
        total += np.maximum(reach, 0) * min(1.0, place.face / size)
    return total
