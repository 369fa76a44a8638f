"""Time of the generators' training steps, alone or against another version's code.

  python benchmarks/generator_steps.py ciagan --batch=4
  python benchmarks/generator_steps.py ciagan --batch=4 --other=DIR
  python benchmarks/generator_steps.py deepprivacy --set=network.channels=128 --compiled

Networks are those of configs/<method>.py unless `--set` changes them; images are noise.
Printed are seconds from the start of building the networks to the end of the first
step, operations in the graph, and seconds of a later step: medians, by the clock and of
the processor. With `--other` both versions take turns, step by step, each in a process
of its own.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def serve(arguments):
    """Make a step for each line that comes in; write its seconds. The first builds."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does
    sys.path.insert(0, arguments.code)
    import importlib

    import keras
    import tensorflow as tf

    from safefakes_tf.anonymizers import registry
    from safefakes_tf.config import apply_overrides
    from safefakes_tf.training import strategy

    def optimization(*_):
        return contextlib.nullcontext()

    with contextlib.suppress(ImportError):  # older versions always optimise graphs
        from safefakes_tf.training.steps import optimization

    config = importlib.import_module(f"configs.{arguments.method}").get_config()
    size = f"loop.global_batch_size={arguments.batch}"
    config = apply_overrides(config, [size, *arguments.set])
    keras.mixed_precision.set_global_policy(config.loop.mixed_precision)
    method = registry.method(arguments.method)
    stage = method.stages(config)[-1]
    data = tf.data.Dataset.from_tensors(noise(arguments.method, config))
    batch = next(iter(data)).batch
    devices = strategy.create(config.devices)
    options = {"jit_compile": True} if arguments.compiled else {}

    @tf.function(autograph=False, **options)  # as in training.loop
    def step(batch):
        return devices.run(trainer.train_step, args=(batch,))

    sys.stdin.readline()
    start = time.perf_counter(), time.process_time()
    with devices.scope():
        trainer = method.trainer(config, data, stage, None)
    while True:
        with optimization(trainer, devices):
            losses = {name: float(value) for name, value in step(batch).items()}
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
        print(json.dumps([*seconds, losses]), flush=True)
        if not sys.stdin.readline().strip():
            break
        start = time.perf_counter(), time.process_time()
    graph = step.get_concrete_function(batch).graph.as_graph_def()
    inner = [len(each.node_def) for each in graph.library.function]
    print(len(graph.node) + sum(inner))


def noise(method, config):
    """Return one batch of a training's data set, of this or an older version."""
    import numpy as np
    import tensorflow as tf

    from safefakes_tf.training import batches

    size, side = config.loop.global_batch_size, config.network.resolution
    rng = np.random.default_rng(0)
    kind, shape, low = batches.FaceBatch, (size,), -1
    if method == "ciagan":
        kind, low = batches.PairBatch, 0
        shape = (size, 3 + config.gan.generator_steps)
    images = rng.uniform(low, 1, (*shape, side, side, 3)).astype(np.float32)
    mask = np.zeros((*shape, side, side, 1), np.float32)
    mask[..., side // 4 : -side // 4, side // 4 : -side // 4, :] = 1
    points = {"sun2018": 68, "deepprivacy": 7}.get(method, 0)
    values = {
        "image": images,
        "condition": images * (1 - mask),
        "face": images,
        "other_face": images[..., ::-1, :],
        "landmarks": images[..., ::-1, :, :],
        "mask": mask,
        "box": np.full((*shape, 4), np.int32([1, 1, 3, 3]) * side // 4),
        "points": rng.uniform(0, 1, (*shape, points, 2)).astype(np.float32),
        "identity": np.zeros(shape, np.int64),
        "same": np.ones(shape, np.float32),
        "seed": rng.integers(0, 2**31, (*shape, 2)),
    }
    batch = kind(*(tf.constant(values[name]) for name in kind._fields))
    return batches.Positioned(batch, tf.range(size, dtype=tf.int64))


def start(code, flags):
    """Return the process that serves a version's steps."""
    return subprocess.Popen(
        [sys.executable, __file__, *flags, f"--code={code}"],
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(process, line):
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit("a version's step failed; its message is above")
    return json.loads(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=("sun2018", "deepprivacy", "ciagan"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], help="as of main.py")
    parser.add_argument("--compiled", action="store_true", help="by XLA")
    parser.add_argument("--other", help="folder of another version's code")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--code", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.code:
        serve(arguments)
        return
    codes = {"this": ROOT} | ({"other": arguments.other} if arguments.other else {})
    versions = {name: start(code, sys.argv[1:]) for name, code in codes.items()}
    first, later = {}, {name: [] for name in versions}
    for name, process in versions.items():
        first[name] = ask(process, "first")
    for _ in range(arguments.steps):
        for name, process in versions.items():
            later[name].append(ask(process, "next"))
    for name, process in versions.items():
        operations = ask(process, "")
        steps = [statistics.median(each[n] for each in later[name]) for n in (0, 1)]
        print(
            f"{name}: to its first step {first[name][0]:.1f} s ({first[name][1]:.1f} s "
            f"of the processor), {operations:,} operations; a step {steps[0]:.3f} s "
            f"({steps[1]:.3f} s)"
        )
    if arguments.other:
        ratios = [first["other"][n] / first["this"][n] for n in (0, 1)]
        pairs = list(zip(later["other"], later["this"], strict=True))
        ratios += [statistics.median(a[n] / b[n] for a, b in pairs) for n in (0, 1)]
        print(
            "{:.2f} times as fast to the first step ({:.2f} by the processor), "
            "{:.2f} times a step ({:.2f})".format(*ratios)
        )


if __name__ == "__main__":
    main()
