"""Light on skin, eyes, teeth, cloth and frames, fragment by fragment."""

import numpy as np
from scipy import spatial

from tools.heads import facial_hair, hair, lighting, mesh, paint, wear
from tools.heads.model import Model, Pose, rotation
from tools.heads.rasterize import Fragments
from tools.heads.view import View


def _hair_on_skin(colour, gloss, place, masks, person):
    """Paints scalp, beard shadow and the ground of the brows onto the skin."""
    height = hair.hair_edge(place, person)
    open_skin = (masks["ears"] < 0.3) * (place[:, 1] > 6)
    scalp = paint.smooth(-0.05, 0.06, height) * open_skin
    cover = {"buzz": 0.93, "bald": 0.6}.get(person.style, 0.96)
    under = (scalp * cover)[:, None]
    colour = colour * (1 - under) + under * (0.6 * person.hair + 0.05 * person.skin)
    gloss = gloss * (1 - 0.8 * scalp)
    if person.style not in ("bald", "buzz"):
        shade = np.exp(-((height / 0.11) ** 2)) * (height < 0) * open_skin
        colour = colour * (1 - 0.35 * shade[:, None])
    if person.beard != "none":
        strength = 0.5 if person.beard == "stubble" else 0.8
        grain = paint.look_up(paint.noise(0.9), place[:, 0] * 1.7, place[:, 1] * 1.7)
        grow = facial_hair.beard_cover(place, person) * (1 - masks["lips"])
        grow = np.clip(grow * strength * (1 + 0.25 * grain), 0, 1)[:, None]
        colour = colour + grow * (np.minimum(person.hair, 0.2) * 0.8 - colour)
    line, thick = paint.brow_line(np.abs(place[:, 0]), person)
    off = np.abs(place[:, 1] - line) / (thick + 1e-3)
    across = np.abs(place[:, 0])
    brow = paint.smooth(1.6, 0.3, off) * (place[:, 2] > 0.8)
    brow *= paint.smooth(0.08, 0.15, across) * paint.smooth(0.6, 0.5, across)
    brow = (0.38 * person.traits["brow_density"] * brow)[:, None]
    return colour + brow * (person.brow_hair - colour), gloss


def _body(place, masks, person, view):
    """Albedo and gloss of skin and clothes."""
    features = view.kind != "mannequin"
    colour, gloss = paint.skin(place, masks, person, features)
    if features:
        colour, gloss = _hair_on_skin(colour, gloss, place, masks, person)
    edge = paint.neckline(place, person)
    dressed = paint.smooth(-0.008, 0.008, edge)[:, None]
    colour = colour + dressed * (paint.cloth(place, person) - colour)
    shade = np.exp(-((edge / 0.05) ** 2)) * (edge < 0)
    colour = colour * (1 - 0.4 * shade[:, None])
    return colour, gloss * (1 - 0.85 * dressed[:, 0])


def _eye(place, ball, posed, person, view):
    """Albedo, highlight normal and lid shadow of the fragments of one eyeball."""
    centre = (ball.max(0) + ball.min(0)) / 2
    outward = place - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    ahead = posed.turn[:, 2]
    yaw = np.degrees(np.arctan2(ahead[0], ahead[2]))
    pitch = np.degrees(np.arcsin(np.clip(ahead[1], -1, 1)))
    look_yaw = yaw + np.clip(view.gaze[0] - yaw, -24, 24)
    look_up = pitch + np.clip(view.gaze[1] - pitch, -14, 10)
    toward = rotation(look_yaw, -look_up, 0)
    colour, gloss = paint.eyeball(outward @ toward, person)
    lid = paint.smooth(-0.05, 0.5, outward @ posed.turn[:, 1])
    return colour * (1 - 0.6 * lid)[:, None], gloss, outward


def _highlight(normals, key, power):
    half = key + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    return np.clip(normals @ half, 0, 1) ** power


def _bridge_folds(values, posed):
    """Takes the light on flattened lids, eyeballs and lips from the skin around."""
    base = mesh.load()
    x, y, z = base.vertices.T
    eyes = (np.abs(np.abs(x) - 0.31) < 0.26) & (np.abs(y - 7.32) < 0.22)
    mouth = (np.abs(x) < 0.32) & (np.abs(y - 6.6) < 0.15)
    nose = (np.abs(x) < 0.2) & (np.abs(y - 6.86) < 0.14)
    folded = np.flatnonzero((eyes | mouth | nose) & (z > 0.6))
    body = np.unique(base.triangles["body"])
    whole = np.setdiff1d(body[(z[body] > 0.75) & (y[body] > 6.2)], folded)
    whole = whole[base.masks["inside-mouth"][whole] < 0.2]
    camera = posed.camera
    distance, near = spatial.cKDTree(camera[whole]).query(camera[folded], k=24)
    weights = 1 / (distance + 0.03) ** 2
    weights /= weights.sum(1, keepdims=True)
    result = values.copy()
    result[folded] = (values[whole][near] * weights[:, :, None]).sum(1)
    return result


def shade(found: Fragments, posed: Pose, model: Model, view: View) -> np.ndarray:
    """Returns linear RGB of all visible fragments, float32 [F, 3]."""
    base, person, light = mesh.load(), model.person, view.light
    triangles = posed.figure.triangles
    normals = mesh.vertex_normals(posed.camera, triangles)
    used = np.unique(triangles)
    per_vertex = np.zeros((len(normals), 7), np.float32)
    per_vertex[:, :3] = normals
    per_vertex[used, 3:6] = lighting.irradiance(
        normals[used], model.seen[used], light, posed.turn
    )
    per_vertex[:, 6] = lighting.key_visibility(model.seen, light, posed.turn)
    if person.traits["levelled"]:
        per_vertex = _bridge_folds(per_vertex, posed)
    values = found.interpolate(per_vertex, triangles)
    normal, arriving, key_seen = values[:, :3], values[:, 3:6], values[:, 6]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    part = posed.figure.part[found.triangle]
    colour = np.zeros((len(part), 3), np.float32)
    gloss = np.zeros(len(part), np.float32)
    skin = part == 0
    bare = found.take(skin)
    known = np.concatenate(
        [base.vertices, *[m[:, None] for m in base.masks.values()]], 1
    )
    known = bare.interpolate(known, triangles)
    masks = dict(zip(base.masks, known[:, 3:].T, strict=True))
    colour[skin], gloss[skin] = _body(known[:, :3], masks, person, view)
    hat = part == 5
    if hat.any():
        place = found.take(hat).interpolate(posed.figure.base, triangles)
        colour[hat] = wear.headwear_colour(place, person)
    colour[part == 6] = wear.frame_colour(person)
    gloss[part == 6] = 3.0
    colour[part == 3] = (0.55, 0.51, 0.44)
    colour[part == 4] = (0.30, 0.08, 0.08)
    mouth = np.isin(part, (3, 4))
    mouth[skin] = masks["inside-mouth"] * (1 - masks["lips"]) > 0.3
    if mouth.any():
        arriving[mouth] = 0.3 * arriving[mouth] + 0.35 * arriving[skin].mean(0)
    shine = gloss * 0.09 * _highlight(normal, light.key, 14)
    shine += gloss * 0.09 * _highlight(normal, light.key, 50)
    for number, name in ((1, "left_eye"), (2, "right_eye")):
        eye = part == number
        if view.kind == "mannequin":
            colour[eye] = person.skin
        elif eye.any():
            place = found.take(eye).interpolate(posed.camera, triangles)
            ball = posed.camera[np.unique(base.triangles[name])]
            colour[eye], strength, outward = _eye(place, ball, posed, person, view)
            shine[eye] = 1.1 * strength * _highlight(outward, light.key, 200)
            arriving[eye] = 0.4 * arriving[eye] + 0.6 * arriving[eye].mean(0)
            key_seen[eye] = 0.5 + 0.5 * key_seen[eye]
    rim = gloss * (1 - np.clip(normal[:, 2], 0, 1)) ** 4 * 0.08
    result = (colour + rim[:, None]) * arriving
    return result + (shine * key_seen)[:, None] * light.key_colour
