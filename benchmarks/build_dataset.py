"""Building anonymized data sets against bare JPEG decode + encode.

  python benchmarks/build_dataset.py
  python benchmarks/build_dataset.py --photos=DIR

Each round decodes and encodes all photos in `tf.data`, nothing else, and then builds
each data set from end to end: reading the source records, decoding, anonymizing,
encoding, writing shards and metadata. Printed is the rate of a build as a share of the
bare rate of the same round, from wall and from processor time (steadier where others
use the machine too), the median over the rounds. Expected: 0.5 or more each.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time

import cv2
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf import faces
from safefakes_tf.photos import records, stored, writer
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import standard_configs

ANONYMIZERS = ("blackout", "pixelate", "blur")
HEIGHT, WIDTH = 768, 1024
NUM_FACES = 20
MIN_FACE, MAX_FACE = 10, 160  # px, log-uniform
DISTINCT = 50  # photos made; repeated under other names up to --count


class Photos(AnonymizedBuilder):
    """Photos of a list of files, with random boxes."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = standard_configs()
    pkg_dir_path = pathlib.Path(__file__).parent  # TFDS cannot find it for a script
    files: tuple[bytes, ...] = ()
    count = 0

    def source_examples(self, dl_manager):
        return {"train": self._records()}

    def _records(self):
        generator = np.random.default_rng(0)
        for index in range(self.count):
            photo = stored.check(self.files[index % len(self.files)], "photo")
            yield {
                faces.IMAGE: photo.encoded,
                faces.FILENAME: f"{index}.jpg",
                **records.from_pixel_boxes(
                    _boxes(generator, photo.height, photo.width),
                    photo.height,
                    photo.width,
                ),
            }


def _boxes(generator, height, width):
    """Return int32 [NUM_FACES, 4], x y width height, a bit higher than wide."""
    size = np.exp(generator.uniform(np.log(MIN_FACE), np.log(MAX_FACE), NUM_FACES))
    size = np.minimum(size, min(height, width) / 1.3)
    top = generator.uniform(0, height - 1.25 * size)
    left = generator.uniform(0, width - size)
    return np.stack([left, top, size, 1.25 * size], axis=-1).astype(np.int32)


def make_photo(generator: np.random.Generator) -> bytes:
    """Return a JPEG with detail at all scales, about as costly as a photo."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.float32)
    for cells, contrast in ((3, 60), (12, 30), (48, 15), (192, 8)):
        shape = (cells, cells * WIDTH // HEIGHT, 3)
        noise = generator.normal(0, contrast, shape).astype(np.float32)
        image += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    image += generator.normal(0, 2, image.shape)
    return tf.io.encode_jpeg(np.uint8(image.clip(0, 255)), quality=95).numpy()


def clock() -> np.ndarray:
    """Return seconds of the wall clock and of processor time."""
    return np.array([time.perf_counter(), time.process_time()])


def bare_seconds(encoded: list[bytes]) -> np.ndarray:
    """Return the time to decode and encode all photos, and to look at the results."""

    def process(data):
        image = tf.io.decode_jpeg(data, channels=3)
        return writer.encode(image, "jpeg", 95)

    start = clock()
    dataset = tf.data.Dataset.from_tensor_slices(encoded)
    dataset = dataset.map(process, num_parallel_calls=tf.data.AUTOTUNE)
    for _ in dataset.prefetch(tf.data.AUTOTUNE):
        pass
    return clock() - start


def build_seconds(anonymizer: str, folder: str) -> np.ndarray:
    """Return the time to build a data set whose source is prepared, and remove it."""
    builder = Photos(config=anonymizer, data_dir=folder)
    start = clock()
    builder.prepare()
    seconds = clock() - start
    shutil.rmtree(builder.data_path.parent)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, help="folder of JPEG files")
    parser.add_argument("--count", type=int, default=600, help="photos per data set")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tfds.disable_progress_bar()
    if arguments.photos:
        paths = sorted(arguments.photos.rglob("*.jpg"))[: arguments.count]
        Photos.files = tuple(path.read_bytes() for path in paths)
    else:
        generator = np.random.default_rng(0)
        Photos.files = tuple(make_photo(generator) for _ in range(DISTINCT))
    Photos.count = arguments.count
    encoded = [Photos.files[i % len(Photos.files)] for i in range(arguments.count)]
    mean_size = sum(map(len, encoded)) / len(encoded)
    print(f"{arguments.count} photos of {mean_size / 1e3:.0f} kB on average")
    shares = {name: [] for name in ANONYMIZERS}
    with tempfile.TemporaryDirectory() as folder:
        Photos(config="source", data_dir=folder).prepare()
        bare_seconds(encoded[:20])
        for _ in range(arguments.rounds):
            bare = bare_seconds(encoded)
            print(f"bare decode + encode: {arguments.count / bare[0]:.0f} photos/s")
            for name in ANONYMIZERS:
                seconds = build_seconds(name, folder)
                shares[name].append(bare / seconds)
                print(f"  {name}: {arguments.count / seconds[0]:.0f} photos/s")
    for name, values in shares.items():
        wall, processor = np.median(values, axis=0)
        print(f"{name}: {wall:.2f} of the bare rate, {processor:.2f} by processor time")


if __name__ == "__main__":
    main()
