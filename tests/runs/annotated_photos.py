"""A made-up folder of photos with boxes, and runs of --mode=anonymize on it."""

import csv
import pathlib

import numpy as np
from PIL import Image

from safefakes_tf import own_inputs
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.config.data import OwnPhotosConfig
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.runs import anonymize

BOX = (20, 10, 30, 40)  # x y width height, px
HEADER = "filename,x,y,width,height\n"
ORIENTATION = 0x0112  # tag of EXIF


def write_photos(folder: pathlib.Path) -> pathlib.Path:
    """Write three photos of noise, 100 x 80 px as stored, and return where.

    The second, two.png, is shown turned.
    """
    (folder / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a/one.png", "two.png", "other.png"):
        pixels = rng.integers(1, 256, [80, 100, 3], np.uint8)
        exif = Image.Exif()
        if name == "two.png":
            exif[ORIENTATION] = 6  # shown 80 px wide and 100 px high
        Image.fromarray(pixels).save(folder / name, exif=exif)
    return folder


def write_boxes(path: pathlib.Path) -> pathlib.Path:
    """List a/one.png and two.png with `BOX` each, not other.png, and return where."""
    rows = [f"{name},{','.join(map(str, BOX))}" for name in ("a/one.png", "two.png")]
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def anonymized(
    name: str,
    photos: pathlib.Path | str,
    boxes: pathlib.Path | str,
    output: pathlib.Path | str,
    options: AnonymizationConfig | None = None,
) -> None:
    """Run the mode with an anonymizer; `output` is the folder to make."""
    data = OwnPhotosConfig(name, options or AnonymizationConfig())
    paths = map(str, (photos, boxes, output))
    settings = Anonymize(data, 0, *paths)
    anonymize.run(settings, own_inputs.checked(settings))


def black(
    photos: pathlib.Path | str, boxes: pathlib.Path | str, output: pathlib.Path | str
) -> None:
    """Black the faces out; `output` is the folder to make."""
    anonymized("blackout", photos, boxes, output)


def log_of(folder: pathlib.Path) -> list[dict[str, str]]:
    """Return the rows of faces.csv that tell of faces."""
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]
