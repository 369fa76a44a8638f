"""Time and memory of training the full-size detector: two steps on the CPU.

  python benchmarks/training_step.py

The network, batch and optimizer are those of configs/detector.py (640 x 640, 4 photos,
width 1, float32); photos and boxes are made up, and the weights start at random unless
Keras' ImageNet file is at hand. Printed are the losses and seconds of each step, the
first of which includes tracing, and the highest resident memory of the process. Exits
with 1 if that exceeds 24 GB, or a loss is not finite.
"""

import dataclasses
import os
import pathlib
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import cv2
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from configs import detector
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.training import strategy
from safefakes_tf.training.batches import PhotoBatch, Positioned

NUM_STEPS = 2
NUM_FACES = 16  # per photo
MEMORY_LIMIT = 24.0  # GB
BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def make_config():
    """Return the settings, with pixels scaled as weights that start at random need."""
    config = detector.get_config()
    model = dataclasses.replace(config.model, pixel_scale=1 / 64)
    return dataclasses.replace(config, model=model)


def make_batch(size, batch_size):
    """Return a batch of smooth noise with faces from 8 px to a third of the photo."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (batch_size, size // 8, size // 8, 3), np.uint8)
    photos = [
        cv2.resize(p, (size, size), interpolation=cv2.INTER_CUBIC) for p in coarse
    ]
    sides = np.exp(
        rng.uniform(np.log(8 / size), np.log(1 / 3), (batch_size, NUM_FACES))
    )
    corners = rng.uniform(0, 1 - sides[..., None].repeat(2, axis=-1))
    boxes = np.concatenate([corners, corners + sides[..., None]], -1)
    num_boxes = np.full(batch_size, NUM_FACES, np.int32)
    batch = PhotoBatch(np.uint8(photos), np.float32(boxes), num_boxes)
    return Positioned(batch, np.arange(batch_size))


def timed_steps(trainer, batch, devices):
    """Yield (losses by name, seconds) of each step."""

    @tf.function(autograph=False)  # as in training.loop
    def step(batch):
        return devices.run(trainer.train_step, args=(batch,))

    for _ in range(NUM_STEPS):
        start = time.perf_counter()
        losses = {name: float(value) for name, value in step(batch).items()}
        yield losses, time.perf_counter() - start


def peak_memory():
    """Return the highest resident memory of this process so far, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * BYTES_PER_UNIT / 1e9


def main():
    config = make_config()
    data = make_batch(config.model.input_size, config.loop.global_batch_size)
    batches = tf.data.Dataset.from_tensors(data)
    devices = strategy.create("cpu")
    with devices.scope():
        trainer = DetectorTrainer(config, batches)
    print(f"parameters: {trainer.items['model'].count_params():,}")
    print(f"memory before the first step: {peak_memory():.1f} GB", flush=True)
    steps = timed_steps(trainer, next(iter(batches)).batch, devices)
    for number, (losses, seconds) in enumerate(steps, start=1):
        report = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        print(f"step {number}: {seconds:.1f} s; {report}", flush=True)
        if not all(map(np.isfinite, losses.values())):
            sys.exit(f"the loss of step {number} is not finite")
    memory = peak_memory()
    print(f"memory at its peak: {memory:.1f} GB")
    if memory > MEMORY_LIMIT:
        sys.exit(f"training may take {MEMORY_LIMIT:g} GB of memory; took {memory:.1f}")


if __name__ == "__main__":
    main()
