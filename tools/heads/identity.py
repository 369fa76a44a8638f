"""Who is rendered: shape, skin, hair and clothes, drawn from a seed.

Skin tone is laid out evenly over the people and shuffled independently of the shape of
the face, so that neither can be told from the other.
"""

import dataclasses

import numpy as np

from tools.heads import shapes

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
    "swept",
)
HEADWEAR = ("none", "cap", "beanie", "brimmed", "scarf")
GLASSES = ("none", "round", "square", "thin", "dark")
_STYLE_WEIGHTS = {  # in the order of HAIR_STYLES
    "man": (3, 4, 8, 6, 4, 4, 2, 0, 0.7, 0.7, 0.3, 0.3, 1.5),
    "woman": (0.3, 0.7, 1.5, 1, 0, 3, 2, 4.5, 5.5, 5.5, 3.5, 3.5, 4),
}
_PLASTIC = ((236, 232, 224), (196, 160, 128), (120, 118, 116), (40, 38, 38),
            (214, 178, 150), (150, 104, 76), (222, 200, 178), (92, 62, 48))  # fmt: skip


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


def _traits(rng, melanin, male, made_up):
    """Draws the numbers that tune skin, brows, hair and clothes."""
    return {
        "freckles": float(max(0.0, rng.uniform(-2.5, 1) * (1 - melanin))),
        "blush": float(rng.uniform(0.1, 0.6)),
        "brow_width": float(rng.uniform(0.55, 1.15) * (1.1 if male else 0.8)),
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
        "levelled": 0.0,
        "oiliness": float(rng.uniform(0.5, 1.2)),
    }


def mannequin(person: Identity) -> Identity:
    """Returns a dummy of a person: plastic, levelled face, no glasses."""
    return dataclasses.replace(
        person,
        skin=linear(_PLASTIC[person.number // 2 % len(_PLASTIC)]),
        glasses="none",
        traits=person.traits | {"levelled": 1.0},
    )


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
        targets=shapes.sample(rng, male, age),
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
        traits=_traits(rng, melanin, male, made_up),
    )
