"""Forward pass of the full-size detector against one large 3 x 3 convolution.

  python benchmarks/detector_forward.py
  python benchmarks/detector_forward.py --rounds=10

Each round times the convolution (one photo's 160 x 160 map, 256 to 256 channels, with
bias and ReLU, 30.2 GFLOP) before and after one forward pass of both shots at 640 x 640
(371.1 GFLOP; dsfd.md, section 15), all in cached `tf.function`s, float32. Printed is
the rate of the pass as a share of the convolution's, the median over the rounds: by the
clock, and per second of CPU time, which other work on the machine disturbs less.
Expected: at least 0.8.
"""

import argparse
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import network as dsfd

SIZE = 640
FORWARD_GFLOP = 371.054
MAP_SIZE, CHANNELS = 160, 256
CONVOLUTION_GFLOP = 2 * MAP_SIZE**2 * CHANNELS**2 * 9 / 1e9


def seconds(function, argument):
    """Return how long a call takes until its results are there: [clock, CPU time]."""
    start = np.array([time.perf_counter(), time.process_time()])
    for output in tf.nest.flatten(function(argument)):
        output.numpy()
    return [time.perf_counter(), time.process_time()] - start


def make_convolution():
    """Return (function, its argument): the large convolution."""
    kernel = tf.Variable(tf.random.normal([3, 3, CHANNELS, CHANNELS], stddev=0.02))
    bias = tf.Variable(tf.zeros([CHANNELS]))

    @tf.function
    def convolution(maps):
        maps = tf.nn.conv2d(maps, kernel, strides=1, padding="SAME")
        maps = tf.nn.relu(tf.nn.bias_add(maps, bias))
        return tf.reduce_max(maps)  # so that copying the result out is not timed

    return convolution, tf.random.normal([1, MAP_SIZE, MAP_SIZE, CHANNELS])


def make_forward():
    """Return (function, its argument): the detector's pass."""
    model = dsfd.build_dsfd(DetectorConfig())

    @tf.function
    def forward(photos):
        return model(photos, training=False)

    return forward, tf.random.uniform([1, SIZE, SIZE, 3], 0.0, 255.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    convolution, forward = make_convolution(), make_forward()
    for _ in range(2):  # tracing, and the memory of the first run
        seconds(*convolution)
        seconds(*forward)
    ratios = []
    for _ in range(options.rounds):
        before = seconds(*convolution)
        taken = seconds(*forward)
        convolution_rate = 2 * CONVOLUTION_GFLOP / (before + seconds(*convolution))
        rate = FORWARD_GFLOP / taken
        ratios.append(rate / convolution_rate)
        for name, index in (("clock", 0), ("CPU  ", 1)):
            print(
                f"{name} forward {rate[index]:6.1f} GFLOP/s ({taken[index]:5.2f} s), "
                f"convolution {convolution_rate[index]:6.1f} GFLOP/s, "
                f"ratio {ratios[-1][index]:.2f}",
                flush=True,
            )
    clock, cpu = np.median(ratios, axis=0)
    print(f"ratio, median of {len(ratios)}: {clock:.2f} by the clock, {cpu:.2f} by CPU")


if __name__ == "__main__":
    main()
