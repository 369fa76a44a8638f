"""Train steps and forward passes beside what the machine can do at most.

  python benchmarks/hardware.py
  python benchmarks/hardware.py --quick
  python benchmarks/hardware.py --works=dsfd,sun2018 --kinds=forward --ways=live,frozen

Every network of the project, of the study's size or, with --quick, of the
demonstration's: its forward pass with weights as variables (`live`), as constants
(`frozen`) and compiled by XLA (`xla`), and its train step with and without XLA, in each
precision. All ways of a work run in turn, and the limits of the machine in the same
rounds: a large matrix product, a large convolution and a copy. Printed are medians over
the rounds: milliseconds, TFLOP/s as TensorFlow's profiler counts them (of loops in a
graph it counts nothing), their share of the convolution's in the same precision, and
how many times as fast as the first line of the work. --quick is meant for CPUs: it
leaves out bfloat16 and XLA, which compiles for minutes there, unless they are named.
"""

import argparse
import importlib
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.profiler import model_analyzer, option_builder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from benchmarks.training_step import make_batch
from safefakes_tf import arithmetic, frozen, precision
from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.anonymizers.ciagan.trainer import pairs_per_round
from safefakes_tf.config.modes import adapt
from safefakes_tf.config.overrides import apply_overrides
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.keypoints import layouts
from safefakes_tf.training import strategy
from safefakes_tf.training.batches import FaceBatch, PairBatch, Positioned

GENERATORS = ("sun2018", "deepprivacy", "ciagan")
WORKS = ("dsfd", *GENERATORS)
KINDS = ("forward", "step")
WAYS = ("live", "frozen", "xla")
POLICIES = ("float32", "mixed_bfloat16")
LISTS = {"works": WORKS, "kinds": KINDS, "ways": WAYS, "precisions": POLICIES}
QUICK = {"ways": ("live", "frozen"), "precisions": ("float32",)}


class Work(NamedTuple):
    """Something to be timed.

    Attributes:
        name: to be printed.
        call: takes `arguments`.
        arguments: tensors.
        flop: of a call; None where that is no measure.
    """

    name: str
    call: Callable
    arguments: tuple[Any, ...]
    flop: float | None


def seconds(work: Work) -> float:
    """Return how long a call takes until its results are there."""
    start = time.perf_counter()
    for output in tf.nest.flatten(work.call(*work.arguments)):
        output.numpy()
    return time.perf_counter() - start


def count_flop(function: tf.types.experimental.GenericFunction, arguments) -> float:
    """Return what TensorFlow's profiler counts in a graph of fixed shapes."""
    graph = function.get_concrete_function(*arguments)
    options = option_builder.ProfileOptionBuilder(
        option_builder.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    return model_analyzer.profile(graph.graph, options=options.build()).total_float_ops


# === Limits of the machine ===


def limits(dtype: str, size: int) -> list[Work]:
    """Return a matrix product, a convolution and a copy; their sums are the results.

    Args:
        dtype: of the numbers.
        size: side of the matrices; maps have a sixteenth of it.
    """
    side, channels = size // 16, 256
    matrix = tf.cast(tf.random.normal([size, size]), dtype)
    maps = tf.cast(tf.random.normal([1, side, side, channels]), dtype)
    kernel = tf.cast(tf.random.normal([3, 3, channels, channels]), dtype)

    @tf.function(autograph=False)
    def product(matrix):
        return tf.reduce_max(tf.matmul(matrix, matrix))

    @tf.function(autograph=False)
    def convolution(maps, kernel):
        return tf.reduce_max(tf.nn.conv2d(maps, kernel, strides=1, padding="SAME"))

    @tf.function(autograph=False)
    def copy(matrix):
        return tf.identity(matrix) + 1

    return [
        Work("convolution", convolution, (maps, kernel), 18 * (side * channels) ** 2),
        Work("matrix product", product, (matrix,), 2 * size**3),
        Work("copy", copy, (matrix,), None),
    ]


# === What the project does ===


def settings_of(name: str, quick: bool, policy: str) -> Any:
    """Return the settings of a training."""
    if name == "dsfd":
        module, mode = "quickstart" if quick else "detector", "train_detector"
    else:
        module, mode = f"demo_{name}" if quick else name, "train_anonymizer"
    config = importlib.import_module(f"configs.{module}").get_config()
    override = f"loop.mixed_precision={policy}"
    return apply_overrides(adapt(config, mode), [override])


def forward_works(name: str, settings: Any, ways: list[str]) -> list[Work]:
    """Return the forward pass of a network, one photo or face, in several ways."""
    if name == "dsfd":
        model = dsfd.second_shot(dsfd.build_dsfd(settings.model))
        side = settings.model.input_size
        inputs = tf.random.uniform([1, side, side, 3], 0.0, 255.0)
    else:
        model = registry.method(name).build_generator(settings.network)
        generator_files.fold(model)
        inputs = keras.tree.map_structure(
            lambda tensor: tf.random.uniform([1, *tensor.shape[1:]]), model.input
        )

    def live(inputs):
        return model(inputs, training=False)

    def constant(inputs):
        with frozen.weights(model.variables):
            return live(inputs)

    calls = {
        "live": tf.function(live, autograph=False),
        "frozen": tf.function(constant, autograph=False),
        "xla": tf.function(constant, autograph=False, jit_compile=True),
    }
    flop = count_flop(calls["live"], (inputs,))
    return [Work(f"forward, {way}", calls[way], (inputs,), flop) for way in ways]


def step_works(name: str, settings: Any, ways: list[str]) -> list[Work]:
    """Return the train step of a network, one batch of the settings."""
    data = _batch(name, settings)
    dataset = tf.data.Dataset.from_tensors(data)
    devices = strategy.create("auto")
    with devices.scope():
        if name == "dsfd":
            trainer = DetectorTrainer(settings, dataset)
        else:
            method = registry.method(name)
            stage = method.stages(settings)[-1]
            trainer = method.trainer(settings, dataset, stage, None)

    def run(step):
        return tf.function(lambda batch: devices.run(step, (batch,)), autograph=False)

    compiled = tf.function(trainer.train_step, autograph=False, jit_compile=True)
    batch = next(iter(dataset)).batch
    calls = {"live": run(trainer.train_step), "xla": run(compiled)}
    flop = count_flop(calls["live"], (batch,))
    return [
        Work(f"step, {way}", calls[way], (batch,), flop) for way in ways if way in calls
    ]


def _batch(name, settings):
    size = settings.loop.global_batch_size
    if name == "dsfd":
        return make_batch(settings.model.input_size, size)
    side = registry.method(name).stages(settings)[-1].resolution
    mask = np.zeros([size, side, side, 1], np.float32)
    mask[:, side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    images = np.random.default_rng(0).uniform(-1, 1, [size, side, side, 3])
    images = np.float32(images)
    layout = registry.method(name).anonymizer.keypoints
    if name == "ciagan":
        pairs = pairs_per_round(settings)
        mask, faces = (np.stack([x] * pairs, 1) for x in (mask, images / 2 + 0.5))
        same = np.zeros([size, pairs], np.float32)
        identity = np.zeros([size, pairs], np.int64)
        batch = PairBatch(
            face=faces,
            other_face=1 - faces,
            landmarks=faces,
            mask=mask,
            identity=identity,
            num_identities=identity + 1,
            same=same,
            seed=np.zeros([size, pairs, 2], np.int64),
        )
    else:
        batch = FaceBatch(
            image=images,
            condition=images * (1 - mask),
            mask=mask,
            box=np.int32([[side // 4, side // 4, 3 * side // 4, 3 * side // 4]] * size),
            points=np.full([size, layouts.NUM_KEYPOINTS[layout], 2], 0.5, np.float32),
            seed=np.stack([np.zeros(size, np.int64), np.arange(size)], 1),
        )
    return Positioned(batch, np.arange(size))


# === Measuring ===


def runnable(works: list[Work]) -> list[Work]:
    """Call each work twice; return those that run, as XLA does not take every graph."""
    good = []
    for work in works:
        try:
            seconds(work), seconds(work)
        except (tf.errors.OpError, ValueError) as error:
            print(f"  {work.name}: {str(error).splitlines()[0][:90]}", flush=True)
        else:
            good.append(work)
    return good


def measure(title: str, works: list[Work], references: list[Work], rounds: int) -> None:
    """Print the medians of works and of the limits, timed in turn."""
    print(title, flush=True)
    works = [*references, *runnable(works)]
    taken = np.median([[seconds(w) for w in works] for _ in range(rounds)], axis=0)
    best = references[0].flop / taken[0]
    first = taken[len(references)] if len(works) > len(references) else None
    for work, clock in zip(works, taken, strict=True):
        line = f"  {work.name:24} {1e3 * clock:9.1f} ms"
        if work.flop is None:
            moved = 2 * work.arguments[0].dtype.size * tf.size(work.arguments[0])
            line += f" {int(moved) / clock / 1e9:8.1f} GB/s"
        else:
            rate = work.flop / clock
            line += f" {rate / 1e12:8.3f} TFLOP/s, {rate / best:5.2f} of convolution"
        if work not in references:
            line += f", {first / clock:5.2f} times as fast"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, choices in LISTS.items():
        parser.add_argument(
            f"--{name}",
            type=lambda text: text.split(","),
            help=f"of {', '.join(choices)}",
        )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small networks")
    options = parser.parse_args()
    for name, choices in (LISTS | QUICK if options.quick else LISTS).items():
        setattr(options, name, getattr(options, name) or choices)
    for key, value in arithmetic.describe().items():
        print(f"{key}: {value}")
    makers = {"forward": forward_works, "step": step_works}
    for name in options.works:
        for kind in options.kinds:
            for policy in options.precisions:
                dtype = "bfloat16" if "bfloat16" in policy else "float32"
                references = limits(dtype, 1024 if options.quick else 4096)
                settings = settings_of(name, options.quick, policy)
                with precision.policy(policy):
                    works = makers[kind](name, settings, options.ways)
                    references = runnable(references)
                    title = f"{name}, {kind}, {policy}"
                    measure(title, works, references, options.rounds)


if __name__ == "__main__":
    main()
