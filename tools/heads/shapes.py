"""The shape of a body and face, as weights of the mesh's targets."""

import numpy as np

# Shape targets and how far one standard deviation moves them; each has two ends.
_SHAPES = {
    "head/head-scale-horiz-{decr|incr}": 0.5,
    "head/head-scale-vert-{decr|incr}": 0.45,
    "head/head-scale-depth-{decr|incr}": 0.4,
    "head/head-fat-{decr|incr}": 0.45,
    "head/head-angle-{in|out}": 0.3,
    "forehead/forehead-nubian-{decr|incr}": 0.4,
    "forehead/forehead-scale-vert-{decr|incr}": 0.5,
    "forehead/forehead-temple-{decr|incr}": 0.5,
    "nose/nose-scale-horiz-{decr|incr}": 0.5,
    "nose/nose-scale-vert-{decr|incr}": 0.5,
    "nose/nose-scale-depth-{decr|incr}": 0.5,
    "nose/nose-width1-{decr|incr}": 0.5,
    "nose/nose-width2-{decr|incr}": 0.5,
    "nose/nose-width3-{decr|incr}": 0.5,
    "nose/nose-curve-{concave|convex}": 0.5,
    "nose/nose-hump-{decr|incr}": 0.45,
    "nose/nose-point-{down|up}": 0.5,
    "nose/nose-point-width-{decr|incr}": 0.5,
    "nose/nose-base-{down|up}": 0.45,
    "nose/nose-flaring-{decr|incr}": 0.45,
    "nose/nose-volume-{decr|incr}": 0.4,
    "mouth/mouth-scale-horiz-{decr|incr}": 0.55,
    "mouth/mouth-scale-vert-{decr|incr}": 0.4,
    "mouth/mouth-lowerlip-volume-{decr|incr}": 0.6,
    "mouth/mouth-upperlip-volume-{decr|incr}": 0.6,
    "mouth/mouth-lowerlip-height-{decr|incr}": 0.45,
    "mouth/mouth-upperlip-height-{decr|incr}": 0.45,
    "mouth/mouth-angles-{down|up}": 0.3,
    "mouth/mouth-trans-{down|up}": 0.35,
    "mouth/mouth-cupidsbow-{decr|incr}": 0.5,
    "chin/chin-width-{decr|incr}": 0.6,
    "chin/chin-height-{decr|incr}": 0.5,
    "chin/chin-prominent-{decr|incr}": 0.5,
    "chin/chin-bones-{decr|incr}": 0.5,
    "chin/chin-prognathism-{decr|incr}": 0.25,
    "chin/chin-jaw-drop-{decr|incr}": 0.4,
    "cheek/*-cheek-bones-{decr|incr}": 0.55,
    "cheek/*-cheek-volume-{decr|incr}": 0.6,
    "cheek/*-cheek-inner-{decr|incr}": 0.4,
    "cheek/*-cheek-trans-{down|up}": 0.4,
    "eyes/*-eye-scale-{decr|incr}": 0.4,
    "eyes/*-eye-trans-{in|out}": 0.4,
    "eyes/*-eye-trans-{down|up}": 0.3,
    "eyes/*-eye-corner1-{down|up}": 0.45,
    "eyes/*-eye-corner2-{down|up}": 0.45,
    "eyes/*-eye-epicanthus-{in|out}": 0.5,
    "eyes/*-eye-height2-{decr|incr}": 0.35,
    "eyes/*-eye-bag-{decr|incr}": 0.4,
    "eyes/*-eye-eyefold-{down|up}": 0.4,
    "eyebrows/eyebrows-trans-{down|up}": 0.4,
    "eyebrows/eyebrows-angle-{down|up}": 0.4,
    "ears/*-ear-scale-{decr|incr}": 0.4,
    "ears/*-ear-wing-{decr|incr}": 0.35,
    "ears/*-ear-lobe-{decr|incr}": 0.5,
    "neck/neck-scale-horiz-{decr|incr}": 0.4,
    "neck/neck-double-{decr|incr}": 0.3,
}
_OUTLINES = ("oval", "round", "rectangular", "square", "triangular", "diamond")


def sample(rng: np.random.Generator, male: bool, age: float) -> dict:
    """Draws shape target -> weight for a sex and an age (0 child … 1 old)."""
    sex = "male" if male else "female"
    origin = dict(
        zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3), strict=True)
    )
    child = float(np.clip((0.18 - age) / 0.18, 0, 1)) * 0.8
    old = float(np.clip((age - 0.35) / 0.6, 0, 1))
    ages = {"child": child, "young": (1 - child) * (1 - old), "old": (1 - child) * old}
    weights = {
        f"macrodetails/{name}-{sex}-{stage}": share * part
        for name, share in origin.items()
        for stage, part in ages.items()
    }
    mass = rng.uniform(-1, 1)
    end = "maxweight" if mass > 0 else "minweight"
    for stage, part in ages.items():
        common = f"macrodetails/universal-{sex}-{stage}-averagemuscle-"
        weights[common + end] = part * abs(mass) * 0.7
        weights[common + "averageweight"] = part * (1 - abs(mass) * 0.7)
    weights[f"head/head-{rng.choice(_OUTLINES)}"] = rng.uniform(0.1, 0.6)
    weights["head/head-age-incr"] = 0.7 * old
    for name, spread in _SHAPES.items():
        stem, ends = name.split("{")
        value = float(0.85 * spread * np.clip(rng.normal(), -1.7, 1.7))
        chosen = stem + ends.rstrip("}").split("|")[value > 0]
        sides = [chosen.replace("*", s) for s in "lr"] if "*" in chosen else [chosen]
        for side in sides:
            weights[side] = abs(value) * rng.uniform(0.92, 1.08)
    return weights
