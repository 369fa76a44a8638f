"""Which tiles the bank holds, and how they are packed into one file."""

from typing import NamedTuple

import cv2
import numpy as np

from tools.heads import identity, model, scene, view

_STORED = {  # attribute of the bank -> value of a person and a view
    "yaw": lambda person, seen: np.float32(seen.yaw),
    "pitch": lambda person, seen: np.float32(seen.pitch),
    "skin_tone": lambda person, seen: np.float32(person.melanin),
    "age": lambda person, seen: np.float32(person.age),
    "male": lambda person, seen: person.male,
    "hair_style": lambda person, seen: person.style,
    "glasses": lambda person, seen: person.glasses,
    "headwear": lambda person, seen: person.headwear,
    "expression": lambda person, seen: seen.mood,
    "clothes_rgb": lambda person, seen: _srgb(person.clothes),
}


class Job(NamedTuple):
    """Some tiles of one person."""

    seed: int
    number: int
    count: int
    views: tuple
    kind: str


class Entry(NamedTuple):
    """One rendered tile with what the bank stores about it."""

    job: Job
    tile: scene.Tile
    attributes: dict


def plan(seed: int, identities: int, views: int, negatives: int) -> list[Job]:
    """Lists all tiles: every person's views, then heads from behind and mannequins.

    The negatives show people of their own, numbered after those with a face.
    """
    jobs = [
        Job(seed, number, identities, tuple(range(views)), "face")
        for number in range(identities)
    ]
    for k in range(negatives):
        kind = "mannequin" if k % 2 else "back"
        jobs.append(Job(seed + 1, k, negatives, (k % 5,), kind))
    return jobs


def render(job: Job) -> list[Entry]:
    """Renders the tiles of a job."""
    cv2.setNumThreads(1)
    person = identity.sample(job.seed, job.number, job.count)
    if job.kind == "mannequin":
        person = identity.mannequin(person)
    grown = model.build(person, job.seed)
    entries = []
    for index in job.views:
        seen = view.sample(job.seed, job.number, index, job.kind)
        attributes = {name: read(person, seen) for name, read in _STORED.items()}
        entries.append(Entry(job, scene.render(grown, seen), attributes))
    return entries


def pack(entries: list[Entry], quality: int) -> dict:
    """Returns the arrays of the bank's file; see `heads.HeadBank`."""
    files = []
    for entry in entries:
        picture = cv2.cvtColor(entry.tile.rgba, cv2.COLOR_RGBA2BGRA)
        done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if not done:
            raise RuntimeError("OpenCV could not encode a tile as WebP")
        files.append(data.reshape(-1))
    faces = [entry.job.kind == "face" for entry in entries]
    numbers = [entry.job.number for entry in entries]
    arrays = {
        "stream": np.concatenate(files),
        "ends": np.cumsum([len(file) for file in files]),
        "identities": np.where(faces, numbers, -1).astype(np.int32),
        "kinds": np.array([entry.job.kind for entry in entries]),
        "keypoints68": np.stack([entry.tile.keypoints68 for entry in entries]),
        "keypoints7": np.stack([entry.tile.keypoints7 for entry in entries]),
        "boxes": np.stack([entry.tile.box for entry in entries]).astype(np.float32),
    }
    for name in _STORED:
        arrays[name] = np.array([entry.attributes[name] for entry in entries])
    return arrays


def _srgb(colour):
    """Linear RGB in 0..1 to uint8 as the tiles show it."""
    return np.round(255 * np.clip(colour, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def write_preview(path: str, entries: list[Entry], columns: int = 20) -> None:
    """Writes a contact sheet of all tiles at half size on a plain ground."""
    tiles = []
    for entry in entries:
        small = cv2.resize(entry.tile.rgba, (128, 128), interpolation=cv2.INTER_AREA)
        alpha = small[..., 3:] / 255.0
        tiles.append(np.uint8(small[..., :3] * alpha + 170 * (1 - alpha)))
    while len(tiles) % columns:
        tiles.append(np.full((128, 128, 3), 170, np.uint8))
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    cv2.imwrite(path, cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
