"""How a person is seen: pose, expression, light and camera."""

import dataclasses

import numpy as np

from tools.heads import lighting

_EXPRESSIONS = {
    "neutral": {},
    "smile": {
        "mouthSmile*": 0.75,
        "cheekSquint*": 0.5,
        "eyeSquint*": 0.3,
        "mouthDimple*": 0.2,
    },
    "laugh": {
        "mouthSmile*": 0.85,
        "jawOpen": 0.35,
        "mouthUpperUp*": 0.45,
        "cheekSquint*": 0.7,
        "eyeSquint*": 0.5,
    },
    "talk": {"jawOpen": 0.25, "mouthFunnel": 0.2, "mouthLowerDown*": 0.2},
    "surprise": {
        "jawOpen": 0.55,
        "browInnerUp": 0.8,
        "browOuterUp*": 0.8,
        "eyeWide*": 0.6,
    },
    "frown": {
        "browDown*": 0.9,
        "mouthFrown*": 0.6,
        "noseSneer*": 0.3,
        "mouthPress*": 0.3,
    },
    "sad": {"browInnerUp": 0.8, "mouthFrown*": 0.6, "mouthShrugLower": 0.3},
    "closed": {"eyeBlink*": 1.0},
    "pucker": {"mouthPucker": 0.6},
}
_CHANCES = (0.34, 0.24, 0.1, 0.08, 0.05, 0.06, 0.04, 0.05, 0.04)
_YAW_BANDS = ((-12, 12), (-30, -10), (10, 30), (-48, -28), (28, 48))


@dataclasses.dataclass(frozen=True)
class View:
    """One picture of one person.

    Attributes:
        kind: "face", "back" or "mannequin".
        yaw: degrees, > 0 turns the face to the picture's right.
        pitch: degrees, > 0 looks down.
        roll: degrees, > 0 leans to the picture's right.
        torso: share of the yaw that the shoulders follow.
        mood: name of the expression.
        expression: targets of face action units -> weight.
        light: the lighting.
        distance: decimetres from the eye of the camera to the head.
        gaze: degrees right and up, relative to the camera.
        exposure: factor on linear light.
    """

    kind: str
    yaw: float
    pitch: float
    roll: float
    torso: float
    mood: str
    expression: dict
    light: lighting.Light
    distance: float
    gaze: tuple
    exposure: float


def _expression(rng, mood):
    """Weights of the face action units of a mood, a little uneven."""
    weights = {}
    for unit, weight in _EXPRESSIONS[mood].items():
        weight = weight * rng.uniform(0.7, 1.1)
        ends = ("Left", "Right") if unit.endswith("*") else ("",)
        for end in ends:
            side = weight * rng.uniform(0.85, 1.0)
            weights[f"unit/{unit.rstrip('*')}{end}"] = min(1.0, side)
    for side in ("Left", "Right"):
        weights.setdefault(f"unit/eyeBlink{side}", 0.06)
    return weights


def sample(seed: int, number: int, index: int, kind: str) -> View:
    """Draws view `index` of person `number`; same arguments, same view.

    The first five views of a person cover frontal, half left and right, and far left
    and right; one in six of the far ones reaches ±60 degrees.
    """
    kinds = ("face", "back", "mannequin")
    rng = np.random.default_rng([seed, 13, number, index, kinds.index(kind)])
    yaw = rng.uniform(*_YAW_BANDS[index % 5])
    if abs(yaw) > 28 and rng.random() < 0.17:
        yaw = np.sign(yaw) * rng.uniform(48, 60)
    if kind == "back":
        yaw = rng.choice([-1, 1]) * rng.uniform(138, 180)
    mood = "neutral"
    if kind == "face":
        mood = str(rng.choice(list(_EXPRESSIONS), p=_CHANCES))
    pitch = float(np.clip(rng.normal(2, 9), -25, 25))
    return View(
        kind=kind,
        yaw=float(yaw),
        pitch=pitch,
        roll=float(np.clip(rng.normal(0, 5), -15, 15)),
        torso=1.0 if kind == "back" else float(rng.uniform(0.2, 0.7)),
        mood=mood,
        expression=_expression(rng, mood),
        light=lighting.sample(rng),
        distance=float(rng.uniform(10, 22)),
        gaze=(float(rng.normal(0, 7)), float(rng.normal(0, 4))),
        exposure=float(rng.uniform(1.0, 1.35)),
    )
