"""The bank of rendered heads of people who do not exist.

`heads.npz` lies beside this file. It was rendered by `tools/render_heads.py` from the
MakeHuman meshes and shape targets, which are in the public domain (CC0 1.0), and is
itself dedicated to the public domain (CC0 1.0); `LICENSE.heads.md` gives provenance
and the command. No photo and no scan of a real person went into it.
"""

import dataclasses
import functools
import pathlib

import cv2
import numpy as np

PATH = pathlib.Path(__file__).with_name("heads.npz")
KINDS = ("face", "back", "mannequin")
_FIELDS = (
    "keypoints68",
    "keypoints7",
    "boxes",
    "identities",
    "kinds",
    "yaw",
    "pitch",
    "skin_tone",
    "age",
    "male",
    "hair_style",
    "glasses",
    "headwear",
    "expression",
    "clothes_rgb",
)


@dataclasses.dataclass(frozen=True)
class HeadBank:
    """Heads with shoulders on transparent ground, T tiles of 256×256 pixels.

    Attributes:
        encoded: list of T uint8 arrays, WebP files (RGB and straight alpha).
        keypoints68: float32 [T, 68, 2], y and x in tile units ([0,1] inside the
            tile), ibug-68 order; also where the head hides them.
        keypoints7: float32 [T, 7, 2], y and x in tile units: nose, left eye, right
            eye, left ear, right ear, left shoulder, right shoulder. Left is the
            person's left (COCO order, as DeepPrivacy takes it; deepprivacy.md).
        boxes: float32 [T, 4], ymin, xmin, ymax, xmax in tile units; hairline to chin
            and the visible width of the face, as WIDER FACE annotates; NaN for tiles
            without a face.
        identities: int32 [T], number of the person; -1 for tiles without a face.
        kinds: str [T]: "face", "back" (head from behind) or "mannequin" (no features).
        yaw: float32 [T], degrees, > 0 looks to the picture's right.
        pitch: float32 [T], degrees, > 0 looks down.
        skin_tone: float32 [T], 0 lightest … 1 darkest.
        age: float32 [T], 0 child, 0.2 young adult … 1 old.
        male: bool [T].
        hair_style, glasses, headwear, expression: str [T].
        clothes_rgb: uint8 [T, 3], mean colour of the garment, to draw a body below.
    """

    encoded: list
    keypoints68: np.ndarray
    keypoints7: np.ndarray
    boxes: np.ndarray
    identities: np.ndarray
    kinds: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    skin_tone: np.ndarray
    age: np.ndarray
    male: np.ndarray
    hair_style: np.ndarray
    glasses: np.ndarray
    headwear: np.ndarray
    expression: np.ndarray
    clothes_rgb: np.ndarray

    def __len__(self) -> int:
        return len(self.encoded)

    def tile(self, index: int) -> np.ndarray:
        """Decodes tile `index`; returns uint8 [256, 256, 4], RGB and straight alpha."""
        bgra = cv2.imdecode(self.encoded[index], cv2.IMREAD_UNCHANGED)
        return cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA)


@functools.cache
def load() -> HeadBank:
    """Reads the bank, once per process; tiles are decoded only when asked for.

    Raises:
        FileNotFoundError: the bank is missing from the installation.
    """
    if not PATH.exists():
        raise FileNotFoundError(
            f"expected the bank of heads at {PATH.name} beside heads.py; restore it "
            "with `git checkout` or run `python -m tools.render_heads`"
        )
    with np.load(PATH) as stored:
        stream, ends = stored["stream"], stored["ends"]
        fields = {name: stored[name] for name in _FIELDS}
    return HeadBank(np.split(stream, ends[:-1]), **fields)
