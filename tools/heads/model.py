"""A person as geometry: grown once, then shaped and turned for every view."""

from typing import NamedTuple

import numpy as np

from tools.heads import facial_hair, hair, landmarks, lighting, mesh, paint, wear
from tools.heads.identity import Identity
from tools.heads.view import View

PARTS = ("body", "left_eye", "right_eye", "teeth", "tongue", "headwear", "frame")


class Figure(NamedTuple):
    """A shape with an expression, and everything worn; not turned.

    Attributes:
        shape: float32 [V, 3]; the vertices of the base mesh come first.
        base: float32 [V, 3], base coordinates.
        triangles: int32 [T, 3].
        part: int8 [T], index into `PARTS`.
        lenses: int32 [L, 3], triangles of the glasses' lenses.
    """

    shape: np.ndarray
    base: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    lenses: np.ndarray


class Model(NamedTuple):
    """What all views of a person share.

    Attributes:
        person: the person.
        strands: hair of head, brows and beard, base coordinates.
        seen: float32 [V, D], visibility of the light's directions from every vertex.
    """

    person: Identity
    strands: list
    seen: np.ndarray


class Pose(NamedTuple):
    """A figure turned towards the camera and projected.

    Attributes:
        figure: the figure.
        camera: float32 [V, 3], x right, y up, z to the eye; the neck is the origin.
        turn: float32 [3, 3], rotation of the head.
        pivot: float32 [3], the origin in shape coordinates.
        distance: from the eye of the camera to the origin, decimetres.
        scale, shift: pixels = shift + scale * (x, -y) / depth.
    """

    figure: Figure
    camera: np.ndarray
    turn: np.ndarray
    pivot: np.ndarray
    distance: float
    scale: float = 1.0
    shift: np.ndarray | float = 0.0

    def head_to_camera(self, points):
        """Carries points fixed to the head into camera coordinates."""
        return ((points - self.pivot) @ self.turn.T).astype(np.float32)

    def project(self, points):
        """Returns positions in pixels [..., 2] and depths [...] of camera points."""
        depth = self.distance - points[..., 2]
        flat = points[..., :2] / depth[..., None] * np.array([1, -1], np.float32)
        return (flat * self.scale + self.shift).astype(np.float32), depth


def build(person: Identity, seed: int) -> Model:
    """Grows hair and finds the shadows of a person."""
    rng = np.random.default_rng([seed, 17, person.number])
    items = hair.scalp_hair(person, rng)
    items.append(facial_hair.eyebrows(person, rng))
    whiskers = facial_hair.beard(person, rng)
    items += [whiskers] if whiskers else []
    still = figure(person, {})
    used = np.unique(still.triangles)
    normals = mesh.vertex_normals(still.shape, still.triangles)
    seen = np.ones((len(still.shape), len(lighting.directions())), np.float32)
    casting = still.triangles
    if person.headwear == "scarf":  # lies close to the face and must not darken it
        casting = casting[still.part != PARTS.index("headwear")]
    seen[used] = lighting.visibility(still.shape, normals, casting, used)
    return Model(person, items, seen)


def _expressed(person, expression):
    """Vertices of the base mesh in a person's shape with an expression."""
    base = mesh.load()
    shape = mesh.morph(base.vertices, person.targets)
    eye = np.unique(base.triangles["left_eye"])
    size = np.linalg.norm(np.ptp(shape[eye], 0))
    size /= np.linalg.norm(np.ptp(base.vertices[eye], 0))
    shape = mesh.morph(shape, {name: w * size for name, w in expression.items()})
    if person.traits["levelled"]:
        shape = _level_face(shape)
    return shape


def _level_face(shape):
    """Replaces eyes, nose and mouth by a smooth mask, as on a featureless mannequin.

    A polynomial of fourth order in x and y is fitted to the front of the face; all that
    lies in front of the ears, eyeballs and inner mouth too, is moved onto it.
    """
    base = mesh.load()
    x, y, z = base.vertices.T
    share = paint.smooth(0.7, 0.95, z) * paint.smooth(6.2, 6.4, y)
    share = share * paint.smooth(0.68, 0.5, np.abs(x)) * paint.smooth(7.95, 7.6, y)
    inner = np.unique(np.concatenate([base.triangles[name] for name in PARTS[1:5]]))
    hidden = (base.masks["inside-mouth"] > 0.3) & (base.masks["lips"] < 0.5)
    body = np.unique(base.triangles["body"])
    normals = mesh.vertex_normals(shape, base.triangles["body"])
    fitted = body[(z[body] > 0.75) & (y[body] > 6.2) & (y[body] < 8.1)]
    fitted = fitted[(normals[fitted, 2] > 0.15) & ~hidden[fitted]]
    middle = shape[fitted].mean(0)
    u, v = (shape - middle).T[:2]
    terms = np.stack([u**i * v**j for i in range(5) for j in range(5 - i)], 1)
    weights = np.linalg.lstsq(terms[fitted], shape[fitted, 2], rcond=None)[0]
    level = terms @ weights
    share[inner] = 1
    level[hidden] -= 0.03
    level[inner] -= 0.02
    result = shape.copy()
    result[:, 2] += share * (level - shape[:, 2])
    return result


def figure(person: Identity, expression: dict) -> Figure:
    """Shapes a person and puts clothes, hat and glasses on."""
    base = mesh.load()
    body = base.triangles["body"]
    shape = _expressed(person, expression)
    normals = mesh.vertex_normals(shape, body)
    cloth = paint.smooth(-0.06, 0.08, paint.neckline(base.vertices, person))
    shape += 0.035 * cloth[:, None] * normals
    shape = _narrow_shoulders(shape, base.vertices)
    surfaces = [(5, item) for item in wear.headwear(person, shape, normals)]
    lenses = np.zeros((0, 3), np.int32)
    worn = wear.glasses(person, shape, landmarks.locate(shape)[68:])
    if worn:
        surfaces += [(6, worn[0]), (-1, worn[1])]
    shapes, bases = [shape], [base.vertices]
    triangles = [base.triangles[name] for name in PARTS[:5]]
    parts = [np.full(len(t), k, np.int8) for k, t in enumerate(triangles)]
    start = len(shape)
    for part, surface in surfaces:
        shapes.append(surface.shape)
        bases.append(surface.base)
        if part < 0:
            lenses = surface.triangles + start
        else:
            triangles.append(surface.triangles + start)
            parts.append(np.full(len(surface.triangles), part, np.int8))
        start += len(surface.shape)
    return Figure(
        np.concatenate(shapes).astype(np.float32),
        np.concatenate(bases),
        np.concatenate(triangles),
        np.concatenate(parts),
        lenses,
    )


def _narrow_shoulders(shape, base):
    """Draws the spread arms in, so that the shoulders fit a tile."""
    half = shape[:, 0]
    beyond = np.clip(np.abs(half) - 0.7, 0, None)
    drawn = 0.7 + 0.95 * np.tanh(beyond / 1.15)
    low = paint.smooth(6.1, 5.7, base[:, 1])
    result = shape.copy()
    moved = np.where(beyond > 0, np.sign(half) * drawn, half)
    result[:, 0] += low * (moved - half)
    return result


def rotation(yaw, pitch, roll):
    """Rotation matrices [..., 3, 3] for angles in degrees [...]."""
    yaw, pitch, roll = (
        np.radians(np.asarray(a, np.float64)) for a in (yaw, pitch, roll)
    )
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def stack(rows):
        return np.stack([np.stack(row, -1) for row in rows], -2)

    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    turn = stack([(cy, zero, sy), (zero, one, zero), (-sy, zero, cy)])
    nod = stack([(one, zero, zero), (zero, cp, -sp), (zero, sp, cp)])
    lean = stack([(cr, sr, zero), (-sr, cr, zero), (zero, zero, one)])
    return lean @ nod @ turn


def pose(posed: Figure, view: View) -> Pose:
    """Turns a figure; head and shoulders follow the yaw in different measure."""
    joints = mesh.load().joints
    pivot = np.mean([posed.shape[joints[n]].mean(0) for n in ("neck", "head")], 0)
    height, front = posed.base[:, 1], posed.base[:, 2]
    share = paint.smooth(0, 0.8, height - 5.65 + 0.6 * np.clip(front - 0.3, 0, None))
    torso = rotation(view.yaw * view.torso, 0, 0)
    rest = view.yaw * (1 - view.torso)
    steps = np.linspace(0, 1, 33)
    turns = rotation(rest * steps, view.pitch * steps, view.roll * steps) @ torso
    which = np.round(share * 32).astype(int)
    camera = np.einsum("vij,vj->vi", turns[which], posed.shape - pivot)
    return Pose(
        posed,
        camera.astype(np.float32),
        turns[-1].astype(np.float32),
        pivot.astype(np.float32),
        view.distance,
    )


def carry(strands: list, posed: Pose) -> list:
    """Moves strands from base coordinates onto the turned head.

    Returns:
        A list of float32 [N, K, 3], camera coordinates.
    """
    shape = posed.figure.shape
    to_head = wear.fit(shape)
    carried = []
    for item in strands:
        points = to_head(item.points)
        root = (shape[item.corners] * item.weights[:, :, None]).sum(1)
        fade = np.linspace(1, 0.6, points.shape[1], dtype=np.float32)
        points = points + (root - points[:, 0])[:, None] * fade[None, :, None]
        carried.append(posed.head_to_camera(points))
    return carried


def frame(posed: Pose, hairs: list, size: int) -> Pose:
    """Fits head, hair (camera coordinates) and shoulders into a square of pixels."""
    low = landmarks.locate(posed.camera)[8, 1] - 1.0
    used = posed.camera[np.unique(posed.figure.triangles)]
    cloud = np.concatenate([used, *[h.reshape(-1, 3) for h in hairs]])
    flat, _ = posed.project(cloud[cloud[:, 1] > low])
    left, top = flat.min(0)
    right, bottom = flat.max(0)
    scale = size / max((right - left) / 0.96, (bottom - top) / 0.97)
    shift = [size / 2 - scale * (left + right) / 2, 0.025 * size - scale * top]
    return posed._replace(scale=scale, shift=np.array(shift, np.float32))
