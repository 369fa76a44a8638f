"""Who is rendered: shape, skin, hair and clothes, drawn from a seed.

Skin tone is laid out evenly over the people and shuffled independently of the shape of
the face, so that neither can be told from the other.
"""

import dataclasses

import numpy as np

# sRGB skin from the least to the most melanin.
_SKIN_STOPS = np.array(
    [
        (247, 216, 199),
        (236, 196, 170),
        (216, 168, 136),
        (186, 134, 100),
        (146, 98, 70),
        (104, 67, 48),
        (66, 43, 34),
    ],
    np.float64,
)
_HAIR_COLOURS = {
    "black": (0.012, 0.010, 0.010),
    "dark brown": (0.035, 0.020, 0.012),
    "brown": (0.085, 0.045, 0.022),
    "chestnut": (0.12, 0.045, 0.018),
    "red": (0.26, 0.075, 0.022),
    "dark blond": (0.24, 0.15, 0.075),
    "blond": (0.46, 0.32, 0.16),
    "grey": (0.26, 0.26, 0.27),
    "white": (0.62, 0.61, 0.60),
}
HAIR_STYLES = (
    "bald",
    "buzz",
    "short",
    "side_part",
    "receding",
    "curly",
    "afro",
    "bob",
    "long",
    "wavy",
    "bun",
    "ponytail",
    "fringe",
)
HEADWEAR = ("none", "cap", "beanie", "brimmed", "scarf")
GLASSES = ("none", "round", "square", "thin", "dark")
_STYLE_WEIGHTS = {  # in the order of HAIR_STYLES
    "man": (3, 4, 8, 6, 4, 4, 2, 0, 0.7, 0.7, 0.3, 0.3, 1.5),
    "woman": (0.3, 0.7, 1.5, 1, 0, 3, 2, 4.5, 5.5, 5.5, 3.5, 3.5, 4),
}
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


@dataclasses.dataclass(frozen=True)
class Identity:
    """One person who does not exist.

    Attributes:
        number: 0-based.
        melanin: skin tone, 0 lightest … 1 darkest.
        male: sex the shape was drawn for.
        age: 0 child, 0.2 young adult … 1 old.
        targets: shape target -> weight.
        skin, lips, hair, brow_hair, iris, clothes, headwear_colour, frame: linear RGB.
        style, beard, glasses, headwear: names of the tables above.
        traits: further numbers in -1…1 or 0…1 by name.
    """

    number: int
    melanin: float
    male: bool
    age: float
    targets: dict
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brow_hair: np.ndarray
    iris: np.ndarray
    clothes: np.ndarray
    headwear_colour: np.ndarray
    frame: np.ndarray
    style: str
    beard: str
    glasses: str
    headwear: str
    traits: dict


def linear(srgb) -> np.ndarray:
    """Converts sRGB in 0..255 to linear light in 0..1."""
    value = np.asarray(srgb, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def skin_colour(melanin: float, undertone: np.ndarray) -> np.ndarray:
    """Linear RGB of skin; `undertone` shifts red-green and yellow-blue (-1…1)."""
    position = melanin * (len(_SKIN_STOPS) - 1)
    stops = np.arange(len(_SKIN_STOPS))
    srgb = [np.interp(position, stops, _SKIN_STOPS[:, k]) for k in range(3)]
    shift = np.array([1.5, -2.5, 0.5]) * undertone[0]
    shift = shift + np.array([1.0, 1.0, -6.0]) * undertone[1]
    return linear(np.clip(np.array(srgb) + shift * (1.2 - 0.5 * melanin), 0, 255))


def _shape_targets(rng, male, age):
    """Draws the weights of macro and local targets."""
    sex = "male" if male else "female"
    origin = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3)))
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


def _hair_colour(rng, melanin, age):
    """Draws a hair colour; greying follows age, fairness is rarer on dark skin."""
    grey = rng.random() < np.clip((age - 0.45) * 2.0, 0, 0.9)
    if grey:
        name = rng.choice(["grey", "white"], p=[0.65, 0.35])
    else:
        names = list(_HAIR_COLOURS)[:7]
        light = np.array([0.2, 0.3, 0.5, 0.3, 0.25, 0.5, 0.5])
        dark = np.array([1.6, 0.6, 0.15, 0.05, 0.02, 0.02, 0.04])
        chance = (1 - melanin) ** 1.3 * light + melanin**0.8 * dark
        name = rng.choice(names, p=chance / chance.sum())
    return np.array(_HAIR_COLOURS[name]) * rng.uniform(0.8, 1.25)


def _fabric(rng):
    """Draws a linear clothing colour, from white over muted to saturated and black."""
    hue, value = rng.random(), rng.uniform(0.03, 0.9) ** 1.4
    saturation = rng.beta(1.2, 1.6)
    wheel = np.abs((hue + np.array([0, 1 / 3, 2 / 3])) % 1 * 2 - 1) * 1.5 - 0.25
    return value * (1 - saturation + saturation * np.clip(wheel, 0, 1))


def _headwear(rng, male):
    scarf = 0.0 if male else 0.11
    chances = np.array([0.82 - scarf, 0.07, 0.06, 0.05, scarf])
    return str(rng.choice(HEADWEAR, p=chances / chances.sum()))


def _beard(rng, male, age):
    if not male or age < 0.2:
        return "none"
    names = ["none", "stubble", "moustache", "goatee", "short", "full"]
    return str(rng.choice(names, p=[0.42, 0.2, 0.08, 0.08, 0.13, 0.09]))


def sample(seed: int, number: int, count: int) -> Identity:
    """Draws person `number` of `count`; the same arguments give the same person."""
    order = np.random.default_rng([seed, 7]).permutation(count)
    rng = np.random.default_rng([seed, 11, number])
    melanin = float((order[number] + rng.uniform(0.2, 0.8)) / count)
    male = bool((number + rng.integers(2)) % 2)
    stage = rng.choice(3, p=[0.1, 0.6, 0.3])
    spans = ((0.02, 0.14), (0.2, 0.5), (0.5, 1.0))
    age = float(rng.uniform(*spans[stage]))
    undertone = rng.uniform(-1, 1, 2)
    skin = skin_colour(melanin, undertone)
    made_up = (not male) and age > 0.2 and rng.random() < 0.35
    redness = rng.uniform(0.5, 1) if made_up else rng.uniform(0.0, 0.35)
    natural = skin * np.array([0.82, 0.52, 0.52])
    lips = natural * (1 - redness) + redness * np.array([0.38, 0.06, 0.075]) * (
        1.1 - 0.6 * melanin
    )
    hair = _hair_colour(rng, melanin, age)
    styles = np.array(_STYLE_WEIGHTS["man" if male else "woman"], float)
    styles[HAIR_STYLES.index("afro")] *= 0.3 + 2 * melanin
    if age < 0.2:
        styles[[0, 4]] = 0
    style = str(rng.choice(HAIR_STYLES, p=styles / styles.sum()))
    eyes = linear([(62, 38, 22), (92, 62, 34), (88, 110, 140), (98, 112, 82)])
    fair = np.array([0.3, 0.25, 0.27, 0.18])
    dark = np.array([0.75, 0.23, 0.01, 0.01])
    chance = (1 - melanin) * fair + melanin * dark
    return Identity(
        number=number,
        melanin=melanin,
        male=male,
        age=age,
        targets=_shape_targets(rng, male, age),
        skin=skin,
        lips=lips,
        hair=hair,
        brow_hair=np.minimum(hair, 0.09) * rng.uniform(0.35, 0.6),
        iris=eyes[rng.choice(4, p=chance / chance.sum())] * rng.uniform(0.8, 1.2),
        clothes=_fabric(rng),
        headwear_colour=_fabric(rng),
        frame=_fabric(rng) * 0.15,
        style=style,
        beard=_beard(rng, male, age),
        glasses=str(rng.choice(GLASSES, p=[0.78, 0.07, 0.07, 0.05, 0.03])),
        headwear=_headwear(rng, male),
        traits={
            "freckles": float(max(0.0, rng.uniform(-2.5, 1) * (1 - melanin))),
            "blush": float(rng.uniform(0.1, 0.6)),
            "brow_width": float(rng.uniform(0.6, 1.3) * (1.1 if male else 0.85)),
            "brow_arch": float(rng.uniform(-1, 1)),
            "brow_density": float(rng.uniform(0.55, 1.0)),
            "make_up": float(made_up) * float(rng.uniform(0.4, 1)),
            "hairline": float(rng.uniform(-1, 1)),
            "length": float(rng.uniform(0, 1)),
            "parting": float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.4)),
            "curl": float(rng.uniform(0, 1)),
            "neckline": float(rng.uniform(0, 1)),
            "collar": float(rng.random() < 0.35),
            "stripes": float(rng.random() < 0.18),
            "oiliness": float(rng.uniform(0.5, 1.2)),
        },
    )
