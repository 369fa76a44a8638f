"""Detector input: augmented pipeline against bare decode and resize, side by side.

    python -m benchmarks.input_pipeline

Both read the same encoded photos from memory and make batches of the same shape, in
turns. Printed: images per second of CPU time, over all threads, and the ratio.
"""

import time

import cv2
import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.config import AugmentationConfig
from safefakes_tf.detectors.dsfd import input as detection

CASES = ((768, 1024, 640), (240, 320, 256))  # photo height and width, input size
BATCH, NUM_PHOTOS, NUM_BOXES = 4, 64, 6
ROUNDS, BATCHES_PER_ROUND = 4, 20


def make_records(height: int, width: int) -> tf.data.Dataset:
    """Return JPEG photos of smooth noise, each with faces of 8 px to a third of it."""
    rng = np.random.default_rng(0)
    files, pixels = [], []
    for _ in range(NUM_PHOTOS):
        coarse = rng.integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
        photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        files.append(tf.io.encode_jpeg(photo, quality=95))
        sides = np.exp(rng.uniform(np.log(8), np.log(height / 3), (NUM_BOXES, 1)))
        corners = rng.uniform(0, [width, height] - sides)
        pixels.append(np.concatenate([corners, sides, sides], axis=1).astype(np.int32))
    pixels = np.stack(pixels)
    x, y, w, h = np.moveaxis(pixels, -1, 0)
    corners = np.stack([y / height, x / width, (y + h) / height, (x + w) / width], -1)
    return tf.data.Dataset.from_tensor_slices(
        {
            faces.IMAGE: files,
            faces.BBOX_PIXELS: pixels,
            faces.BBOX: corners.astype(np.float32),
        }
    )


def bare_dataset(records: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Return batches of photos that are only decoded and resized, by TensorFlow."""

    def load(record):
        image = tf.io.decode_jpeg(record[faces.IMAGE], channels=3)
        return tf.image.resize(image, [size, size])

    photos = records.repeat().map(load, tf.data.AUTOTUNE, deterministic=True)
    return photos.batch(BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def cpu_seconds(dataset: tf.data.Dataset) -> float:
    """Return the CPU time that a round of batches takes, over all threads."""
    start = time.process_time()
    for _ in dataset.take(BATCHES_PER_ROUND):
        pass
    return time.process_time() - start


def main() -> None:
    """Print images per second of both pipelines and their ratio."""
    for height, width, size in CASES:
        records = make_records(height, width)
        augmented = detection.training_dataset(
            records, AugmentationConfig(), size, BATCH, seed=0
        )
        times = {"augmented": 0.0, "bare": 0.0}
        for turn in range(ROUNDS + 1):
            for name, dataset in (
                ("augmented", augmented),
                ("bare", bare_dataset(records, size)),
            ):
                elapsed = cpu_seconds(dataset)
                times[name] += elapsed if turn else 0.0  # the first turn warms up
        photos = ROUNDS * BATCHES_PER_ROUND * BATCH
        print(
            f"{width}x{height} to {size}: augmented "
            f"{photos / times['augmented']:.0f} images/s, bare "
            f"{photos / times['bare']:.0f} images/s, ratio "
            f"{times['bare'] / times['augmented']:.2f}"
        )


if __name__ == "__main__":
    main()
