r"""Faces found by the default detector on annotated photos, also against deface's.

  python -m benchmarks.find_faces accuracy --photos=DIR --boxes=FILE --lists=DIR
  python -m benchmarks.find_faces accuracy ... --deface=DIR/bin/python
  python -m benchmarks.find_faces speed --photos=DIR --deface=DIR/bin/python

`--photos` is a folder of <event>/<photo>.jpg, `--boxes` their faces in WIDER FACE's
text format, `--lists` the folder of wider_{easy,medium,hard}_val.mat, `--deface` the
Python of an environment in which `pip install deface==1.5.0` ran.

`accuracy` prints the AP of one pass over each photo, then, for one pass at threshold
0.05, the default way of searching and deface: found boxes, recall, and the share of the
pixels of annotated faces that lie beside all boxes, so that they stay visible. A face
is recalled if boxes cover half of it; faces lower than 10 px and invalid ones do not
count. Boxes have their margins: ours of 0.15 on each side, that of deface its own
(--mask-scale 1.3), in rectangles, and as its default ellipses.

`speed` blacks out the faces of all photos by `--mode=anonymize` and by deface, in turn,
and prints photos per second, with imports, by the clock and by the time of processors
(steadier where others use the machine too), and the peak of memory.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import tqdm

from safefakes_tf.config import DetectionConfig
from safefakes_tf.detectors import centerface, found_faces, registry
from safefakes_tf.evaluation import ground_truth, wider_face
from safefakes_tf.photos import reader
from safefakes_tf.photos.box_files import wider, wider_mat

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOWEST = 10  # px, faces that count
COVERED = 0.5  # of a face, so that it is recalled
ONE_PASS = 0.05  # threshold of a pass that misses little
# Prints, per photo, its boxes as deface masks them: x1 y1 x2 y2, with its margin.
OF_DEFACE = """
import json, sys
import imageio.v2 as imageio
from deface.centerface import CenterFace
from deface.deface import scale_bb
network = CenterFace()
for path in sys.stdin.read().splitlines():
    found, _ = network(imageio.imread(path), threshold=0.2)
    boxes = [scale_bb(*row[:4], 1.3) for row in found]
    print(json.dumps([[int(side) for side in box] for box in boxes]))
"""


class OnePass:
    """CenterFace on a photo as it is, whatever its size."""

    def __init__(self, threshold: float):
        self._network, self._threshold = centerface.CenterFace(threshold), threshold

    def detect(self, photo: np.ndarray) -> np.ndarray:
        """See `registry.Detector`."""
        found = self._network.detect_at_once(photo, self._threshold)
        return found / [1, *photo.shape[:2], *photo.shape[:2]]


def decode(path: pathlib.Path) -> np.ndarray:
    return reader.decode_stored(path.read_bytes())


# === Accuracy ===


class Coverage:
    """Sums over photos how much of their faces boxes cover."""

    def __init__(self):
        self.boxes, self.covered, self.pixels, self.visible = 0, [], 0, 0

    def add(self, faces: np.ndarray, mask: np.ndarray, num_boxes: int) -> None:
        """Add a photo: boxes x y width height of its faces, bool [H, W] what is hid."""
        self.boxes += num_boxes
        all_faces = np.zeros_like(mask)
        for x, y, width, height in faces:
            place = np.s_[max(y, 0) : y + height, max(x, 0) : x + width]
            self.covered.append(mask[place].mean() >= COVERED)
            all_faces[place] = True
        self.pixels += all_faces.sum()
        self.visible += (all_faces & ~mask).sum()

    def __str__(self):
        recall, visible = np.mean(self.covered), self.visible / self.pixels
        return (
            f"{self.boxes:6d} boxes, {100 * recall:5.2f} % of {len(self.covered)} "
            f"faces recalled, {100 * visible:5.2f} % of their pixels visible"
        )


def rectangles(shape, boxes_xywh):
    mask = np.zeros(shape, bool)
    for x, y, width, height in boxes_xywh:
        mask[max(y, 0) : y + height, max(x, 0) : x + width] = True
    return mask


def ellipses(shape, boxes_xyxy):
    """Return the mask of deface's ellipses, which skimage draws within the boxes."""
    mask = np.zeros(shape, np.uint8)
    for x1, y1, x2, y2 in boxes_xyxy:
        middle, axes = (
            ((x1 + x2) // 2, (y1 + y2) // 2),
            ((x2 - x1) // 2, (y2 - y1) // 2),
        )
        cv2.ellipse(mask, middle, axes, 0, 0, 360, 1, cv2.FILLED)
    return mask.astype(bool)


def counted(rows: np.ndarray) -> np.ndarray:
    """Return the boxes of the faces of a photo that count."""
    boxes, invalid = rows[:, :4], rows[:, 4 + wider.ATTRIBUTES.index("invalid")]
    return boxes[(boxes[:, 3] >= LOWEST) & (boxes[:, 2] > 0) & (invalid == 0)]


def accuracy(arguments: argparse.Namespace) -> None:
    annotated = wider.read_boxes(arguments.boxes)
    lists = {
        name: wider_mat.Difficulty(arguments.lists / file)
        for name, file in wider_mat.LISTS.items()
    }
    config = registry.resolved(DetectionConfig())
    default = centerface.create(config)
    ways = {"one pass at 0.05": OnePass(ONE_PASS), "default": default}
    sums = {name: Coverage() for name in ways}
    records, predictions = [], []
    for photo in tqdm.tqdm(annotated, unit="photo"):
        pixels = decode(arguments.photos / photo.filename)
        for name, detector in ways.items():
            found = found_faces.find(detector, pixels, config.margin)
            mask = rectangles(pixels.shape[:2], found.boxes)
            sums[name].add(counted(photo.rows), mask, len(found.boxes))
        found = ways["one pass at 0.05"].detect(pixels) * [1, *pixels.shape[:2] * 2]
        scores, y1, x1, y2, x2 = found.T
        predictions.append(np.stack([x1, y1, x2 - x1, y2 - y1, scores], axis=1))
        name = ground_truth.image_name(photo.filename)
        flags = [each.counting(name, len(photo.rows)) for each in lists.values()]
        records.append((photo.filename, photo.rows[:, :4], *flags))
    result = wider_face.evaluate(
        ground_truth.from_records(records),
        wider_face.Predictions.from_arrays(predictions),
    )
    aps = ", ".join(f"{name} {100 * ap:.1f}" for name, ap in result.ap.items())
    print(f"AP of one pass: {aps}")
    if arguments.deface:
        sums |= of_deface(arguments, annotated)
    for name, coverage in sums.items():
        print(f"{name:18}: {coverage}")


def of_deface(arguments, annotated):
    paths = [str(arguments.photos / photo.filename) for photo in annotated]
    done = subprocess.run(
        [arguments.deface, "-c", OF_DEFACE],
        input="\n".join(paths),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    sums = {"deface, rectangles": Coverage(), "deface, ellipses": Coverage()}
    for photo, line in zip(annotated, done.stdout.splitlines(), strict=True):
        shape = decode(arguments.photos / photo.filename).shape[:2]
        boxes = json.loads(line)
        xywh = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes]
        masks = rectangles(shape, xywh), ellipses(shape, boxes)
        for coverage, mask in zip(sums.values(), masks, strict=True):
            coverage.add(counted(photo.rows), mask, len(boxes))
    return sums


# === Speed and memory ===


class Cost(NamedTuple):
    """What a command took: seconds by the clock and of processors, and MiB at most."""

    wall: float
    processor: float
    peak: float


def run(command: list[str]) -> Cost:
    """Run a command and return what it took."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)[:200]} failed")
    wall = time.perf_counter() - start
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def speed(arguments: argparse.Namespace) -> None:
    program = arguments.deface.parent / "deface"
    ways: dict[str, Callable] = {
        "ours": lambda photos, _: [
            *(sys.executable, str(ROOT / "main.py"), "--mode=anonymize"),
            *("--anonymizer=blackout", f"--input={photos}", f"--output={photos}.out"),
        ],
        "deface": lambda _, paths: [
            *(str(program), "--replacewith", "solid", "--boxes", *map(str, paths)),
        ],
    }
    costs = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, command in ways.items():
            with tempfile.TemporaryDirectory() as scratch:
                photos = pathlib.Path(scratch, "photos")
                shutil.copytree(arguments.photos, photos)
                paths = sorted(photos.rglob("*.jpg"))[:: arguments.every]
                for path in {*photos.rglob("*.jpg")} - {*paths}:
                    path.unlink()
                cost = run(command(photos, paths))
            costs[name].append(cost)
            print(
                f"{name:6}: {len(paths) / cost.wall:5.2f} photos/s, "
                f"{cost.processor / len(paths):.3f} s of processors per photo, "
                f"{cost.peak:.0f} MiB",
                flush=True,
            )
    ours, theirs = (np.array(each) for each in costs.values())
    wall, processor, _ = np.median(theirs / ours, axis=0)
    print(f"photos per second: {wall:.2f} x, of processors {processor:.2f} x deface's")
    print(f"peak of memory: {ours[:, 2].max() / theirs[:, 2].max():.2f} x deface's")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("accuracy", "speed"))
    for name in ("photos", "boxes", "lists", "deface"):
        parser.add_argument(f"--{name}", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="photo of those for speed")
    arguments = parser.parse_args()
    {"accuracy": accuracy, "speed": speed}[arguments.part](arguments)


if __name__ == "__main__":
    main()
