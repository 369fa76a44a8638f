"""Forward passes beside ONNX Runtime's of the same graphs.

  PYTHON benchmarks/inference.py
  PYTHON benchmarks/inference.py --works=ciagan --rounds=40

PYTHON is one that has this project and also `onnxruntime` and `tf2onnx`, which the
project itself does not need. The second shot of the full-size detector looks at a photo
of 640 x 640 pixels, the full-size generators at one face; weights are random. Ours run
as the project runs them, weights as constants of the graph. Both take turns, on all
cores. Printed are medians of the clock's and of the processor's time, our time over
that of ONNX Runtime, and how far their results are apart.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf import frozen
from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.config import DetectorConfig, names
from safefakes_tf.detectors.dsfd import network as dsfd

WORKS = ("dsfd", "sun2018", "deepprivacy", "ciagan")
SIDE = 640  # px, of a photo for the detector


def build(work: str) -> keras.Model:
    """Return a network as it serves, its weights random."""
    if work == "dsfd":
        return dsfd.second_shot(dsfd.build_dsfd(DetectorConfig()))
    model = registry.method(work).build_generator(names.network(work)())
    generator_files.fold(model)
    return model


def in_onnx_runtime(model: keras.Model, inputs: list[tf.Tensor]):
    """Return a function of `inputs` that ONNX Runtime computes, to a list of arrays."""

    def call(*inputs):
        outputs = model(_structured(model, inputs), training=False)
        return keras.tree.flatten(outputs)

    specs = [
        tf.TensorSpec(x.shape, x.dtype, f"input_{n}") for n, x in enumerate(inputs)
    ]
    exported, _ = tf2onnx.convert.from_function(
        tf.function(call, specs, autograph=False), specs, opset=17
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {spec.name: x.numpy() for spec, x in zip(specs, inputs, strict=True)}
    return lambda: session.run(None, feed)


def in_tensorflow(model: keras.Model, inputs: list[tf.Tensor]):
    """Return the same as the project computes it."""

    @tf.function(autograph=False)
    def call(*inputs):
        with frozen.weights(model.variables):
            outputs = model(_structured(model, inputs), training=False)
        return keras.tree.flatten(outputs)

    return lambda: [output.numpy() for output in call(*inputs)]


def _structured(model, inputs):
    return keras.tree.pack_sequence_as(model.input, list(inputs))


def seconds(function) -> list[float]:
    """Return how long a call takes: by the clock, and of the processor."""
    start = time.perf_counter(), time.process_time()
    function()
    return [time.perf_counter() - start[0], time.process_time() - start[1]]


def measure(work: str, rounds: int) -> None:
    """Print the figures of one network."""
    model = build(work)
    rng = np.random.default_rng(0)
    inputs = []
    for tensor in keras.tree.flatten(model.input):
        shape = [1, *(side or SIDE for side in tensor.shape[1:])]
        high = 255.0 if work == "dsfd" else 1.0
        inputs.append(tf.constant(rng.uniform(0, high, shape), tf.float32))
    ours, theirs = in_tensorflow(model, inputs), in_onnx_runtime(model, inputs)
    apart = max(
        np.abs(a - b).max() / np.abs(b).max()
        for a, b in zip(ours(), theirs(), strict=True)
    )
    for function in (ours, theirs):
        function()
    taken = np.array([[seconds(f) for f in (ours, theirs)] for _ in range(rounds)])
    (clock, cpu), (other_clock, other_cpu) = 1e3 * np.median(taken, axis=0)
    ratios = np.median(taken[:, 0] / taken[:, 1], axis=0)
    print(
        f"{work}: {clock:.1f} ms ({cpu:.1f} ms of the processor), ONNX Runtime "
        f"{other_clock:.1f} ({other_cpu:.1f}): {ratios[0]:.2f} times its time "
        f"({ratios[1]:.2f}); results differ by {apart:.0e}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--works",
        type=lambda text: text.split(","),
        default=list(WORKS),
        help=f"of {', '.join(WORKS)}; default: all",
    )
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"ONNX Runtime {onnxruntime.__version__}, TensorFlow {tf.__version__}")
    for work in options.works:
        measure(work, options.rounds)


if __name__ == "__main__":
    main()
