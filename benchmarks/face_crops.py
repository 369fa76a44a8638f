"""Faces per second into the training loop: cut out of photos, or stored crops.

  python -m benchmarks.face_crops
  python -m benchmarks.face_crops --photos=500 --keep=DIR

Made up are copies of WIDER FACE, PIPA and FDF with 5,000 photos each, of portraits that
nobody is on: photos of 1024 x 768 px with six or two people, and images of 128 px. Each
is built, its faces are cut out, and both streams of DeepPrivacy's training at 128 px
are read in turns, as the training loop reads them. Printed per data set: faces per
second by the clock and by the time of processors (steadier where others use the machine
too), medians of the rounds; seconds until the first batch comes where a training goes
on in the middle of an epoch; seconds that cutting took, and bytes of a stored face.
No keypoints are searched: that is done once, and the same for both.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.config import (
    DataConfig,
    DeepPrivacyConfig,
    LoopConfig,
    TrainAnonymizer,
)
from safefakes_tf.keypoints import layouts, search
from tfds_builders import face_crops
from tfds_builders import registry as builders
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.fdf import metadata

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "safefakes_tf" / "samples"
SIDE, BATCH = 128, 64
HEIGHT, WIDTH = 768, 1024
DISTINCT = 100  # photos made; repeated under other names
PEOPLE = {"widerface": 6, "pipa": 2}  # on a photo
MIN_FACE, MAX_FACE = 60, 260  # px, log-uniform
ROUNDS, BATCHES = 5, 8
KEYPOINTS = np.full([7, 2], 0.5).tolist()


class NoSearch:
    """Finds no keypoints, at once; see `search.Detector`."""

    def find(self, photo: np.ndarray, boxes: np.ndarray) -> search.Found:
        """Return that nothing was found."""
        count = len(boxes)
        return search.Found(
            np.zeros([count, layouts.NUM_FOUND, 2], np.float32),
            np.full(count, faces.NOT_FOUND, np.int64),
            np.zeros([count, 4], np.float32),
        )

    def close(self) -> None:
        """Free nothing."""


def make_photos(count: int) -> list[tuple[bytes, np.ndarray]]:
    """Return JPEG files of portraits on smooth noise, and boxes, x y width height."""
    rng = np.random.default_rng(count)
    portraits = [cv2.imread(str(path)) for path in sorted(SAMPLES.glob("*.jpg"))]
    made = []
    for _ in range(DISTINCT):
        coarse = rng.integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
        photo = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        boxes = []
        for _ in range(count):
            face = np.exp(rng.uniform(np.log(MIN_FACE), np.log(MAX_FACE)))
            side = int(1.7 * face)
            y, x = rng.integers(0, [HEIGHT - side, WIDTH - side])
            portrait = portraits[rng.integers(len(portraits))]
            photo[y : y + side, x : x + side] = cv2.resize(portrait, (side, side))
            margin = int((side - face) / 2)
            boxes.append((x + margin, y + margin, int(face), int(face)))
        made.append((cv2.imencode(".jpg", photo)[1].tobytes(), np.array(boxes)))
    return made


def write_widerface(folder: pathlib.Path, count: int) -> None:
    """Write a copy of WIDER FACE with so many training photos."""
    photos, lines = make_photos(PEOPLE["widerface"]), []
    images = folder / "WIDER_train" / "images" / "0--Parade"
    images.mkdir(parents=True)
    for number in range(count):
        encoded, boxes = photos[number % DISTINCT]
        name = f"0_Parade_{number}.jpg"
        (images / name).write_bytes(encoded)
        lines += [f"0--Parade/{name}", str(len(boxes))]
        lines += [" ".join(map(str, [*box, 0, 0, 0, 0, 0, 0])) for box in boxes]
    (folder / "wider_face_split").mkdir()
    text = folder / "wider_face_split" / "wider_face_train_bbx_gt.txt"
    text.write_text("\n".join(lines) + "\n")


def write_pipa(folder: pathlib.Path, count: int) -> None:
    """Write a copy of PIPA with so many training photos."""
    photos, lines = make_photos(PEOPLE["pipa"]), []
    (folder / "train").mkdir(parents=True)
    for number in range(count):
        encoded, boxes = photos[number % DISTINCT]
        (folder / "train" / f"1_{number}.jpg").write_bytes(encoded)
        lines += [
            " ".join(map(str, [1, number, *box, identity, 1]))
            for identity, box in enumerate(boxes)
        ]
    (folder / "annotations").mkdir()
    (folder / "annotations" / "index.txt").write_text("\n".join(lines) + "\n")


def write_fdf(folder: pathlib.Path, count: int) -> None:
    """Write a copy of FDF with so many training images."""
    portraits = [cv2.imread(str(path)) for path in sorted(SAMPLES.glob("*.jpg"))]
    files = [
        cv2.imencode(".png", cv2.resize(each, (SIDE, SIDE)))[1].tobytes()
        for each in portraits
    ]
    images = folder / "images" / str(SIDE)
    images.mkdir(parents=True)
    texts = dict.fromkeys(metadata.TEXTS, "")
    place = {"bounding_box": [0.2, 0.2, 0.8, 0.8], "landmark": KEYPOINTS}
    entry = {"category": "training", **place, **texts}
    for number in range(count):
        (images / f"{number}.png").write_bytes(files[number % len(files)])
    entries = {str(number): entry for number in range(count)}
    (folder / metadata.FILE).write_text(json.dumps(entries))


WRITERS = {"widerface": write_widerface, "pipa": write_pipa, "fdf": write_fdf}
Stream = Callable[[int], tf.data.Dataset]


def streams(name: str, folder: pathlib.Path, count: int) -> dict[str, Stream]:
    """Make a data set, cut its faces out, and return both streams."""
    raw = folder / name
    if not raw.exists():
        WRITERS[name](raw, count)
    settings = TrainAnonymizer(
        data=DataConfig(
            dataset=name,
            anonymizer="deepprivacy",
            data_dir=str(folder / "data"),
            manual_dir=str(raw),
            allow_partial=True,
        ),
        network=DeepPrivacyConfig(resolution=SIDE),
        loop=LoopConfig(global_batch_size=BATCH),
    )
    method, stage = registry.method("deepprivacy"), Stage(SIDE, 1)
    source = builders.create_source_builder(settings.data)
    source.prepare()
    records = source.encoded_with_keypoints("train", method.anonymizer.keypoints)
    start = time.perf_counter()
    crops = face_crops.prepare(source, method.cutter(settings))
    cutting = time.perf_counter() - start
    homes = pathlib.Path(source.data_path.parent.parent)
    files = homes.glob("*-context_crops*/*/*.array_record*")
    size = sum(file.stat().st_size for file in files)
    number = len(crops.photo)
    print(
        f"{name}: {number:,} faces cut out in {cutting:.0f} s, {size // number:,} bytes"
    )
    return {
        "photos": method.batches(settings, records, stage, 0),
        "stored": method.stored_batches(settings, crops, stage, 0),
    }


def measure(stream: Stream, position: int) -> tuple[float, float, float]:
    """Return seconds until the first batch, and of those after it per face, twice.

    Once by the clock, once by the time of processors.
    """
    options = tf.data.Options()
    options.autotune.enabled = False  # as in the training loop
    begin = time.perf_counter()
    batches = iter(stream(position).with_options(options))
    next(batches)
    first = time.perf_counter() - begin
    for _ in range(2):  # what was read ahead
        next(batches)
    clock, processors = time.perf_counter(), time.process_time()
    for _ in range(BATCHES):
        next(batches)
    number = BATCHES * BATCH
    clock = (time.perf_counter() - clock) / number
    return first, clock, (time.process_time() - processors) / number


def report(name: str, folder: pathlib.Path, count: int) -> None:
    """Measure both streams of a data set in turns, and print the medians."""
    both = streams(name, folder, count)
    found = {kind: [] for kind in both}
    for turn in range(ROUNDS):
        for kind, stream in both.items():
            found[kind].append(measure(stream, turn * count + count // 2))
    medians = {
        kind: [statistics.median(column) for column in zip(*rows, strict=True)]
        for kind, rows in found.items()
    }
    for kind, (first, clock, processors) in medians.items():
        print(
            f"{name}, {kind}: {1 / clock:.0f} faces/s by the clock, "
            f"{1 / processors:.0f} per second of a processor; first batch after "
            f"{first:.2f} s"
        )
    ratios = [
        statistics.median(
            one[column] / other[column]
            for one, other in zip(found["photos"], found["stored"], strict=True)
        )
        for column in range(3)
    ]
    print(
        f"{name}, stored against photos: {ratios[1]:.1f} x by the clock, "
        f"{ratios[2]:.1f} x by processors, first batch {ratios[0]:.1f} x sooner",
        flush=True,
    )


def main() -> None:
    """Measure all three data sets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=5000, help="of each data set")
    parser.add_argument("--keep", type=pathlib.Path, help="folder to make them in")
    arguments = parser.parse_args()
    AnonymizedBuilder.create_detector = NoSearch
    search.num_processes = lambda _: 1  # there is nothing to share
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or pathlib.Path(scratch)
        for name in WRITERS:
            report(name, folder, arguments.photos)


if __name__ == "__main__":
    main()
