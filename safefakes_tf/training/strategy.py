"""The tf.distribute strategy that a configuration asks for."""

import contextlib
import functools
import json
import os

import tensorflow as tf

from safefakes_tf import printing


def create(devices: str) -> tf.distribute.Strategy:
    """Return the strategy for `config.devices`.

    Args:
        devices: "auto" takes the cluster of TF_CONFIG if it is set, else all GPUs, else
            the CPU; "cpu" one CPU; "cpu:N" N logical CPUs, for trials without a GPU;
            "gpu" or "gpu:N" that many GPUs; "multi_worker" the cluster of TF_CONFIG.

    Raises:
        ValueError: for another name, or for devices that are not there.
    """
    kind, _, count = devices.partition(":")
    if count and not count.isdigit():
        raise ValueError(f"devices must be like gpu:2; got {devices}")
    gpus = tf.config.list_physical_devices("GPU")
    _grow(gpus)
    if kind == "auto":
        kind = _best_kind(gpus)
    if kind == "multi_worker":
        return _multi_worker()
    if kind == "gpu":
        return _mirrored("GPU", int(count or len(gpus)), len(gpus))
    if kind == "cpu":
        number = int(count or 1)
        return _mirrored("CPU", number, _logical_cpus(number))
    raise ValueError(
        f"devices must be auto, cpu, cpu:N, gpu, gpu:N or multi_worker; got {devices}"
    )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process writes the logs and checkpoints of the run."""
    resolver = strategy.cluster_resolver
    return resolver is None or _is_of_chief(resolver)


def will_be_chief(devices: str) -> bool:
    """Tell the same of the strategy that `create` would return.

    Raises:
        ValueError: if TF_CONFIG describes no cluster of which this task is a part.
    """
    if devices not in ("auto", "multi_worker"):
        return True
    _check_cluster()
    return _is_of_chief(tf.distribute.cluster_resolver.TFConfigClusterResolver())


def _is_of_chief(resolver):
    if resolver.task_type != "worker":
        return resolver.task_type in (None, "", "chief")
    return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


def _grow(gpus):
    """Let TensorFlow take a GPU's memory as it needs it, not all of it at once."""
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # TensorFlow has started: too late
            tf.config.experimental.set_memory_growth(gpu, True)


def _best_kind(gpus):
    if os.environ.get("TF_CONFIG"):
        return "multi_worker"
    return "gpu" if gpus else "cpu"


def _multi_worker():
    if not os.environ.get("TF_CONFIG"):
        raise ValueError(
            "devices=multi_worker needs the environment variable TF_CONFIG, which "
            "names the cluster and this task; it is not set"
        )
    _check_cluster()
    return tf.distribute.MultiWorkerMirroredStrategy()


def _check_cluster():
    """Check the cluster that TF_CONFIG describes, if it is set."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return
    try:
        config = json.loads(text)
        task = config["task"]
        config["cluster"][task["type"]][int(task["index"])]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            'TF_CONFIG must be JSON like {"cluster": {"worker": ["host:port", '
            '"host:port"]}, "task": {"type": "worker", "index": 0}}, with a task of '
            f"that cluster; got {printing.shortened(text)}"
        ) from error


def _logical_cpus(number):
    """Split the CPU into `number` logical ones if TensorFlow has not started yet."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    if number > 1 and tf.config.get_logical_device_configuration(cpu) is None:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * number
        )
    return len(tf.config.list_logical_devices("CPU"))


# Collectives are told apart by numbers that every new strategy counts from one, so two
# strategies in one process would take each other's for their own.
@functools.cache
def _mirrored(kind, number, available):
    if not 1 <= number <= available:
        raise ValueError(f"devices asks for {number} {kind}s; {available} are here")
    if number == 1:
        return tf.distribute.OneDeviceStrategy(f"/{kind}:0")
    return tf.distribute.MirroredStrategy([f"/{kind}:{n}" for n in range(number)])
