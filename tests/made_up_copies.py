"""Made-up copies of PIPA, FDF and CelebA in the layouts of their authors.

Photos are those of `synthetic_crowd`'s heads on grey: nobody's.
"""

import io
import json
import pathlib
import pickle
import zipfile

import numpy as np
from PIL import Image

from tfds_builders.celeba import tables
from tfds_builders.fdf import metadata
from tfds_builders.synthetic_crowd import heads

SIDE = 128  # px of photos
FACE = (34, 30, 60, 76)  # x y width height of the head on each, px
# On photos of CelebA, which show more than the head; x y of five points.
CELEBA_FACE = (49, 47, 30, 38)
CELEBA_POINTS = (57, 62, 71, 62, 64, 69, 59, 77, 69, 77)
SMALL_HEAD = (-3, -4, 14, 18)  # of a second person: no face is found in it
# Photos of PIPA: photoset, photo, and of each head identity and subset.
PIPA_PHOTOS = [
    ("72157600000000001", "10000000001", [(1, 1)]),
    ("72157600000000001", "10000000002", [(1, 1), (1, 0)]),
    ("72157600000000001", "10000000003", [(2, 1)]),
    ("72157600000000001", "10000000004", [(2, 1)]),
    ("72157600000000002", "10000000005", [(3, 2)]),
    ("72157600000000002", "10000000006", [(3, 2)]),
    ("72157600000000003", "10000000007", [(4, 3)]),
    ("72157600000000003", "10000000008", [(4, 0)]),
]
# Photos of CelebA: identity and partition of each, from 000001.jpg on.
CELEBA_PHOTOS = [(7, 0), (7, 0), (9, 0), (9, 0), (8, 0), (4, 1), (5, 2)]
# Images of FDF: category of each, by index.
FDF_IMAGES = ["training"] * 4 + ["validation"] * 2


def photo(number: int, size: int = SIDE, share: float = 1.0) -> Image.Image:
    """Return a photo with a head of the bank in the middle, on a share of it, RGB."""
    bank = heads.load()
    index = np.flatnonzero(bank.kinds == "face")[number]
    ground = Image.new("RGB", (SIDE, SIDE), (110, 120, 130))
    side = int(share * SIDE)
    tile = Image.fromarray(bank.tile(index)).resize((side, side))
    ground.paste(tile, ((SIDE - side) // 2,) * 2, tile)
    return ground.resize((size, size))


def _save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=95)


def pipa(folder: pathlib.Path) -> pathlib.Path:
    """Write a copy of PIPA, and return where."""
    lines = []
    for number, (photoset, name, people) in enumerate(PIPA_PHOTOS):
        home = ("leftover", "train", "val", "test")[max(s for _, s in people)]
        _save(folder / home / f"{photoset}_{name}.jpg", photo(number))
        for place, (identity, subset) in enumerate(people):
            x, y, width, height = FACE if place == 0 else SMALL_HEAD
            row = (photoset, name, x, y, width, height, identity, subset)
            lines.append(" ".join(map(str, row)))
    (folder / "annotations").mkdir()
    (folder / "annotations" / "index.txt").write_text("\n".join(lines) + "\n")
    return folder


def celeba(folder: pathlib.Path) -> pathlib.Path:
    """Write a copy of CelebA in the wild, and return where."""
    names = [f"{number:06d}.jpg" for number in range(1, 1 + len(CELEBA_PHOTOS))]
    for number, name in enumerate(names):
        _save(folder / "Img" / "img_celeba" / name, photo(number, share=0.5))
    contents = {
        tables.BOXES: dict.fromkeys(names, CELEBA_FACE),
        tables.POINTS: dict.fromkeys(names, CELEBA_POINTS),
        tables.IDENTITIES: {
            name: (person,)
            for name, (person, _) in zip(names, CELEBA_PHOTOS, strict=True)
        },
        tables.PARTITION: {
            name: (part,) for name, (_, part) in zip(names, CELEBA_PHOTOS, strict=True)
        },
    }
    for table, rows in contents.items():
        path = folder / tables.places(table)[0]
        path.parent.mkdir(exist_ok=True)
        path.write_text(tables.to_text(table, rows))
    return folder


def fdf_entry(category: str, number: int = 0) -> dict:
    """Return an entry of FDF's metadata."""
    x, y, width, height = np.array(FACE) / SIDE
    points = [[0.5, 0.55], [0.4, 0.45], [0.62, 0.45], [0.3, 0.5], [0.7, 0.5]]
    return {
        "author": f"author {number}",
        "bounding_box": [x, y, x + width, y + height],
        "category": category,
        "landmark": [*points, [0.2, 1.1], [0.8, 1.1]],
        "license": "Attribution License",
        "license_url": "http://creativecommons.org/licenses/by/2.0/",
        "photo_url": f"http://www.flickr.com/photos/{number}/",
        "photo_title": "somebody",
    }


def fdf(folder: pathlib.Path, size: int = SIDE) -> pathlib.Path:
    """Write a copy of FDF with images of a size, and return where."""
    entries = {}
    for number, category in enumerate(FDF_IMAGES):
        _save(folder / "images" / str(size) / f"{number}.png", photo(number, size))
        entries[str(number)] = fdf_entry(category, number)
    (folder / metadata.FILE).write_text(json.dumps(entries))
    return folder


def torch_tensor(array: np.ndarray) -> bytes:
    """Return what PyTorch would save of integers [N, M]."""

    def plain(value):
        return pickle.dumps(value, 2)[2:-1]

    storage = b"((" + plain("storage") + b"ctorch\nLongStorage\n"
    storage += plain("0") + plain("cpu") + plain(array.size) + b"tQ"
    view = plain(0) + plain(array.shape) + plain((array.shape[1], 1)) + b"\x89"
    tensor = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + storage + view
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        hooks = b"ccollections\nOrderedDict\n)R"
        archive.writestr("boxes/data.pkl", tensor + hooks + b"tR.")
        archive.writestr("boxes/data/0", array.astype("<i8").tobytes())
    return file.getvalue()
