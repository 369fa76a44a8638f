"""The anonymizers as map stages against bare JPEG decode + encode.

  python benchmarks/anonymizers.py

Each round runs the same photos of 1024x768 with 20 faces, 10 to 160 px wide, through
parallel `tf.data` maps: decode + encode alone, then with each anonymizer between. The
share is the rate with the anonymizer over the bare rate of the same round, from wall
and from processor time (steadier where others use the machine too), the median over the
rounds. Growth is the processor time of the edits alone with the same faces, in pixels,
on a photo of four times the area: 4 would be a cost by photo, 1 a cost by face.

At last fullblur's time over that of cv2.GaussianBlur with the same kernel, wall and
processor: of `begin`, and of the map stage beyond that of a map that changes nothing.
"""

import argparse
import pathlib
import statistics
import sys
import time

import cv2
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf import faces
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig, names

HEIGHT, WIDTH = 768, 1024
NUM_FACES = 20
MIN_FACE, MAX_FACE = 10, 160  # px, log-uniform
NUM_PHOTOS = 4


def make_photos(scale: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return JPEGs and boxes: the same faces in pixels, whatever the scale of sides."""
    generator = np.random.default_rng(0)
    height, width = HEIGHT * scale, WIDTH * scale
    encoded, boxes = [], []
    for _ in range(NUM_PHOTOS):
        coarse = generator.integers(0, 256, (48, 64, 3), np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        noise = generator.normal(
            0, 4, image.shape
        )  # makes JPEG as costly as of a photo
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        encoded.append(tf.io.encode_jpeg(image, quality=95))
        side = np.exp(generator.uniform(*np.log([MIN_FACE, MAX_FACE]), NUM_FACES))
        top, left = (generator.uniform(0, size - side) for size in (HEIGHT, WIDTH))
        pixels = np.stack([top, left, top + side, left + side], axis=1)
        boxes.append((pixels / [height, width, height, width]).astype(np.float32))
    return tf.stack(encoded), tf.constant(np.stack(boxes))


def pipeline(photos, count, stage, encode):
    encoded, boxes = photos

    def process(index):
        record = {
            faces.IMAGE: tf.io.decode_jpeg(encoded[index % NUM_PHOTOS], channels=3),
            faces.FILENAME: tf.strings.as_string(index),
            faces.BBOX: boxes[index % NUM_PHOTOS],
        }
        image = (stage(record) if stage else record)[faces.IMAGE]
        return tf.io.encode_jpeg(image, quality=95) if encode else image[0, 0]

    return tf.data.Dataset.range(count).map(process, num_parallel_calls=2)


def seconds(dataset):
    """Return wall and processor seconds per photo."""
    wall, processor, count = time.perf_counter(), time.process_time(), 0
    for _ in dataset:
        count += 1
    return (
        np.array([time.perf_counter() - wall, time.process_time() - processor]) / count
    )


def fullblur_over_opencv(stage, photos, count, rounds):
    """Return ratios: `begin` and the map stage, in wall and processor time."""
    record = {
        faces.IMAGE: tf.io.decode_jpeg(photos[0][0], channels=3),
        faces.FILENAME: tf.constant("0"),
        faces.BBOX: photos[1][0],
    }
    photo, inputs = record[faces.IMAGE].numpy(), stage.inputs(record)
    size = stage.config.fullblur_kernel
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
    records = tf.data.Dataset.from_tensors(record).repeat(count)
    unchanged, mapped = (
        records.map(each, num_parallel_calls=2) for each in (lambda given: given, stage)
    )
    ratios = []
    for _ in range(rounds + 1):
        opencv = seconds(
            cv2.GaussianBlur(photo, (size, size), sigma) for _ in range(count)
        )
        begin = seconds(stage.begin(*inputs) for _ in range(count))
        edits = seconds(mapped) - seconds(unchanged)
        ratios.append([begin / opencv, edits / opencv])
    return np.median(ratios[1:], axis=0)  # the first round warms up


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60, help="photos per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    stages = {
        name: anonymizers.create(name, AnonymizationConfig(), seed=0)
        for name in names.filters()
    }
    small, large = make_photos(scale=1), make_photos(scale=2)
    coded, edited = {}, {}
    for name, stage in {"": None, **stages}.items():
        coded[name] = pipeline(small, options.count, stage, encode=True)
        edited[name] = [
            pipeline(photos, options.count // 3, stage, encode=False)
            for photos in (small, large)
        ]
    shares, growths = {name: [] for name in stages}, {name: [] for name in stages}
    for index in range(options.rounds + 1):
        bare, decoding = seconds(coded[""]), [seconds(part)[1] for part in edited[""]]
        for name in stages:
            share = bare / seconds(coded[name])
            edits = [seconds(part)[1] for part in edited[name]] - np.array(decoding)
            if index:  # the first round warms up
                shares[name].append(share)
                growths[name].append(edits[1] / edits[0])
    print(
        f"decode + encode alone, last round: {1 / bare[0]:.0f} photos/s, "
        f"{1 / bare[1]:.0f} per second of processor time"
    )
    print(f"{'':10} share (wall)  share (processor)  growth at 4x the area")
    for name in stages:
        wall, processor = np.median(shares[name], axis=0)
        growth = statistics.median(growths[name])
        print(f"{name:10} {wall:12.2f} {processor:18.2f} {growth:22.1f}")

    ratios = fullblur_over_opencv(
        stages["fullblur"], small, options.count, options.rounds
    )
    print("\nfullblur over cv2.GaussianBlur  wall  processor")
    for name, (wall, processor) in zip(("begin", "map stage"), ratios, strict=True):
        print(f"{name:31} {wall:4.1f} {processor:10.1f}")


if __name__ == "__main__":
    main()
