"""One tile: pose, picture and annotation."""

from typing import NamedTuple

import cv2
import numpy as np

from tools.heads import landmarks, mesh, rasterize, shading, strands, wear
from tools.heads.model import Model, carry, figure, frame, pose
from tools.heads.view import View

TILE = 256
_SUPER = 2  # samples per pixel and axis
_SIZE = (TILE * _SUPER, TILE * _SUPER)


class Tile(NamedTuple):
    """A rendered head.

    Attributes:
        rgba: uint8 [256, 256, 4], straight alpha.
        keypoints68: float32 [68, 2], y and x in tile units.
        keypoints7: float32 [7, 2]: nose, left eye, right eye, left ear, right ear,
            left shoulder, right shoulder (the person's left and right).
        box: float32 [4], ymin, xmin, ymax, xmax; NaN if there is no face.
    """

    rgba: np.ndarray
    keypoints68: np.ndarray
    keypoints7: np.ndarray
    box: np.ndarray


def _ear_triangles(whole):
    """Marks the triangles of the ears of the body, bool [T]."""
    ears = np.zeros(len(whole.shape), np.float32)
    ears[: len(mesh.load().vertices)] = mesh.load().masks["ears"]
    return (ears[whole.triangles].max(1) > 0.3) & (whole.part == 0)


def _visible(posed, person):
    """Rasterizes the figure; returns the nearest fragments and the depth picture."""
    whole = posed.figure
    xy, z = posed.project(posed.camera)
    found = rasterize.fragments(xy, z, whole.triangles, _SIZE)
    if person.headwear == "scarf":  # the ears lie flat under it
        ears = _ear_triangles(whole)
        found = found.take(~ears[found.triangle])
    hat = np.flatnonzero(whole.part[found.triangle] == 5)
    if len(hat):
        place = found.take(hat).interpolate(whole.base, whole.triangles)
        kept = np.ones(len(found.pixel), bool)
        kept[hat] = wear.cover(place, person.headwear) > 0
        found = found.take(kept)
    found = rasterize.nearest(found, _SIZE)
    depth = np.full(_SIZE[0] * _SIZE[1], np.inf, np.float32)
    depth[found.pixel] = found.depth
    return found, depth.reshape(_SIZE)


def _lashes(posed, depth, person):
    """Coverage of the lashes, float32 [H, W]."""
    base = mesh.load()
    corners = base.triangles["lashes"]
    xy, z = posed.project(posed.camera)
    found = rasterize.fragments(xy, z, corners, _SIZE, cull=False)
    found = found.take(found.depth < depth.reshape(-1)[found.pixel] + 0.02)
    height = found.interpolate(base.lash_height, corners)
    strength = 0.8 if person.male else 1.2
    alpha = np.clip(strength * (1 - height) ** 0.6, 0, 0.95)
    cover = np.zeros(_SIZE[0] * _SIZE[1], np.float32)
    np.maximum.at(cover, found.pixel, alpha.astype(np.float32))
    return cv2.GaussianBlur(cover.reshape(_SIZE), (0, 0), 0.5)


def _over(canvas, alpha, layer, cover):
    """Lays a picture over another, both premultiplied by their own coverage."""
    canvas = canvas * (1 - cover[..., None]) + layer * cover[..., None]
    return canvas, alpha * (1 - cover) + cover


def _lens(posed, depth, person):
    """Coverage of the lenses and their colour."""
    xy, z = posed.project(posed.camera)
    found = rasterize.fragments(xy, z, posed.figure.lenses, _SIZE, cull=False)
    found = found.take(found.depth < depth.reshape(-1)[found.pixel])
    cover = np.zeros(_SIZE[0] * _SIZE[1], np.float32)
    row = found.pixel // _SIZE[1] / _SIZE[0]
    slant = found.pixel % _SIZE[1] / _SIZE[1] + row
    glare = np.clip(np.sin(slant * 60 + person.number) - 0.6, 0, 1)
    dark = person.glasses == "dark"
    cover[found.pixel] = 0.93 if dark else 0.05 + 0.25 * glare
    tint = np.array([0.012, 0.011, 0.011]) if dark else np.array([0.7, 0.75, 0.8])
    return tint, cv2.GaussianBlur(cover.reshape(_SIZE), (0, 0), 0.6)


def _over(canvas, alpha, layer, cover):
    """Lays a layer with coverage over a premultiplied picture."""
    canvas = canvas * (1 - cover[..., None]) + layer * cover[..., None]
    return canvas, alpha * (1 - cover) + cover


def _annotate(posed, view):
    """Projects the landmarks; returns keypoints68, keypoints7 and the box."""
    base = mesh.load()
    places = landmarks.locate(posed.camera)
    shoulders = [posed.camera[base.joints[f"{side}-shoulder"]].mean(0) for side in "lr"]
    eyes = [places[42:48].mean(0), places[36:42].mean(0)]
    seven = np.stack([places[30], *eyes, places[68], places[69], *shoulders])
    size = TILE * _SUPER
    flat = posed.project(places[:68])[0][:, ::-1] / size
    flat7 = posed.project(seven)[0][:, ::-1] / size
    if view.kind != "face":
        return flat, flat7, np.full(4, np.nan, np.float32)
    return flat, flat7, _face_box(posed) / size


def _face_box(posed):
    """Forehead to chin and the visible width of the face, pixels."""
    base = mesh.load()
    body = np.unique(base.triangles["body"])
    _, y, z = base.vertices[body].T
    face = (y < 7.93) & (y > 6.15) & (z > 0.72) & (base.masks["ears"][body] < 0.3)
    face &= y > 6.42 - 0.35 * (z - 0.6)
    normals = mesh.vertex_normals(posed.camera, base.triangles["body"])
    index = body[face]
    facing = normals[index, 2] > 0.02
    xy, _ = posed.project(posed.camera[index[facing]])
    return np.concatenate([xy.min(0)[::-1], xy.max(0)[::-1]])


def _encode(canvas, alpha, view):
    """Premultiplied linear light -> uint8 RGBA tile."""
    canvas = cv2.resize(canvas, (TILE, TILE), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(alpha, (TILE, TILE), interpolation=cv2.INTER_AREA)
    colour = canvas / np.maximum(alpha, 1e-3)[..., None] * view.exposure
    colour = np.where(colour > 0.7, 0.7 + 0.3 * np.tanh((colour - 0.7) / 0.3), colour)
    colour = np.clip(colour, 0, 1) ** (1 / 2.2)
    picture = np.concatenate([colour, alpha[..., None]], 2)
    return np.clip(np.round(picture * 255), 0, 255).astype(np.uint8)


def render(model: Model, view: View) -> Tile:
    """Renders one tile with its annotation."""
    person = model.person
    posed = pose(figure(person, view.expression), view)
    items = [] if view.kind == "mannequin" else model.strands
    carried = carry(items, posed)
    posed = frame(posed, carried, _SIZE[0])
    found, depth = _visible(posed, person)
    canvas = np.zeros((_SIZE[0] * _SIZE[1], 3), np.float32)
    canvas[found.pixel] = shading.shade(found, posed, model, view)
    canvas = canvas.reshape(*_SIZE, 3)
    alpha = np.isfinite(depth).astype(np.float32)
    if view.kind != "mannequin":
        lashes = _lashes(posed, depth, person) * alpha
        canvas, alpha = _over(canvas, alpha, np.full(3, 0.012), lashes)
    if len(posed.figure.lenses):
        canvas, alpha = _over(canvas, alpha, *_lens(posed, depth, person))
    middle = posed.head_to_camera(posed.pivot + np.array([0, 0.5, 0.2]))
    for item, points in zip(items, carried, strict=True):
        xy, z = posed.project(points)
        lit = strands.shade(item, points, middle, view.light)
        layer = strands.draw(xy, z, lit, depth, 0.7)
        canvas, alpha = _over(canvas, alpha, layer.colour, item.opacity * layer.alpha)
    return Tile(_encode(canvas, alpha, view), *_annotate(posed, view))
