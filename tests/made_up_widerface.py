"""A made-up copy of WIDER FACE in the official layout; photos are noise."""

import pathlib
import shutil
import zipfile
from collections.abc import Sequence

import numpy as np
import PIL.Image
import scipy.io

PARADE, CAR = "0--Parade", "59--people--driving--car"
# Rows are x y width height blur expression illumination invalid occlusion pose.
TEXTS = {
    "wider_face_train_bbx_gt.txt": [
        (
            f"{PARADE}/0_Parade_Parade_0_1.jpg",
            2,
            ["4 8 16 12 2 1 1 1 2 1", "0 0 64 48 0 0 0 0 0 0"],
        ),
        (f"{PARADE}/0_Parade_Parade_0_452.jpg", 0, ["0 0 0 0 0 0 0 0 0 0"]),
        (f"{CAR}/59_people_driving_car_1.jpg", 1, ["60 40 9 20 1 0 0 0 1 0"]),
    ],
    "wider_face_val_bbx_gt.txt": [
        (f"{PARADE}/0_Parade_Parade_0_275.jpg", 1, ["0 0 0 0 0 0 0 0 0 0"]),
        (
            f"{CAR}/59_people_driving_car_7.jpg",
            3,
            [
                "-3 -4 10 10 0 0 0 0 0 0",
                "5 6 -2 4 0 0 0 0 0 0",
                "8 8 30 30 0 0 0 0 0 0",
            ],
        ),
    ],
}
TEST_NAMES = [f"{PARADE}/0_Parade_Parade_0_9.jpg"]
COUNTING = {"easy": ([], [3]), "medium": ([], [3]), "hard": ([1], [1, 3])}  # 1-based
FIRST = "WIDER_train/images/0--Parade/0_Parade_Parade_0_1.jpg"


def _write_photo(path, size=(64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def _cell(items):
    cells = np.empty((len(items), 1), object)
    cells[:, 0] = items
    return cells


def write_mat(path: pathlib.Path, counting: Sequence[Sequence[int]]) -> None:
    """Write the list of a difficulty: per photo, which of its faces count, from 1."""
    names = [name for name, _, _ in TEXTS["wider_face_val_bbx_gt.txt"]]
    events, stems = zip(
        *(name.removesuffix(".jpg").split("/") for name in names), strict=True
    )
    scipy.io.savemat(
        path,
        {
            "event_list": _cell(list(events)),
            "file_list": _cell([_cell([stem]) for stem in stems]),
            "gt_list": _cell(
                [_cell([np.uint8(rows).reshape(-1, 1)]) for rows in counting]
            ),
        },
    )


def write_copy(folder: pathlib.Path) -> pathlib.Path:
    """Write a made-up copy of WIDER FACE in the official layout, and return where."""
    split = folder / "wider_face_split"
    split.mkdir(parents=True)
    for text, photos in TEXTS.items():
        part = text.split("_")[2]
        lines = []
        for name, count, rows in photos:
            _write_photo(folder / f"WIDER_{part}" / "images" / name)
            lines += [name, str(count), *(row + " " for row in rows)]
        (split / text).write_text("\n".join(lines) + "\n")
    (split / "wider_face_test_filelist.txt").write_text("\n".join(TEST_NAMES))
    for name in TEST_NAMES:
        _write_photo(folder / "WIDER_test" / "images" / name)
    for difficulty, counting in COUNTING.items():
        write_mat(split / f"wider_{difficulty}_val.mat", counting)
    return folder


def into_zips(raw: pathlib.Path) -> None:
    """Put each folder of a copy into a zip of its name."""
    for folder in list(raw.iterdir()):
        with zipfile.ZipFile(raw / f"{folder.name}.zip", "w") as archive:
            for path in folder.rglob("*.*"):
                archive.write(path, path.relative_to(raw))
        shutil.rmtree(folder)
