"""Faces per second of the full-size generators, by chunk, with and without XLA.

  python benchmarks/generators.py
  python benchmarks/generators.py --generators=ciagan --rounds=10

Each round times a large 3 x 3 convolution (as `detector_forward`), then every setting:
the network as Keras calls it layer by layer, and folded in one `tf.function`, at 1, 4
and 16 faces a call. Printed are the medians over the rounds: faces per second, the rate
of the multiply-adds (61.4 G a face for DeepPrivacy, 19.3 G for Sun2018, 1.64 G for
CIAGAN) as a share of the convolution's, and how many times as fast as layer by layer.
Expected: at least 1.4 times for CIAGAN at one face.
"""

import argparse
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from benchmarks.detector_forward import CONVOLUTION_GFLOP, make_convolution, seconds
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.config import CiaganConfig, DeepPrivacyConfig, Sun2018Config

GENERATORS = {  # how to build it, and GFLOP a face
    "ciagan": (lambda: ciagan.build_generator(CiaganConfig()), 2 * 1.64),
    "sun2018": (lambda: sun2018.build_generator(Sun2018Config()), 2 * 19.3),
    "deepprivacy": (lambda: deepprivacy.build_generator(DeepPrivacyConfig()), 2 * 61.4),
}
CHUNKS = (1, 4, 16)


def settings(build):
    """Return {name: function of the inputs}."""
    plain, folded = build(), build()
    folded.set_weights(plain.get_weights())
    generator_files.fold(folded)

    def call(inputs):
        return folded(inputs, training=False)

    return plain, {
        "layer by layer": lambda inputs: plain(inputs, training=False),
        "folded, one function": tf.function(call),
        "folded, XLA": tf.function(call, jit_compile=True),
    }


def measure(name, rounds):
    """Print the figures of one generator."""
    build, gflop = GENERATORS[name]
    model, functions = settings(build)
    convolution = make_convolution()
    seconds(*convolution)
    for chunk in CHUNKS:
        inputs = keras.tree.map_structure(
            lambda tensor, chunk=chunk: tf.random.uniform([chunk, *tensor.shape[1:]]),
            model.input,
        )
        taken = {label: [] for label in functions}
        shares = {label: [] for label in functions}
        for number in range(rounds + 1):  # the first traces
            before = CONVOLUTION_GFLOP / seconds(*convolution)[0]
            for label, function in functions.items():
                clock = seconds(function, inputs)[0]
                if number:
                    taken[label].append(clock)
                    shares[label].append(chunk * gflop / clock / before)
        slow = np.median(taken["layer by layer"])
        for label in functions:
            clock = np.median(taken[label])
            print(
                f"{name:12} {chunk:2} a call, {label:20}: "
                f"{chunk / clock:7.2f} faces/s, "
                f"{np.median(shares[label]):.2f} of the convolution's rate, "
                f"{slow / clock:.2f} times as fast as layer by layer",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generators", nargs="+", default=list(GENERATORS))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name in options.generators:
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
