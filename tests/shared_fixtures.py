"""Shared fixtures. Two logical CPUs are made before TensorFlow starts."""

import dataclasses
import functools
import gc
import os
import pathlib
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import keras
import numpy as np
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
if not tf.config.list_physical_devices("GPU"):
    # What tests compile runs once or twice: to optimise it takes longer.
    os.environ.setdefault(  # XLA reads it when it first compiles
        "XLA_FLAGS",
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    )

import shallow_networks

from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.config import AnonymizationConfig, names
from safefakes_tf.keypoints import mediapipe

# Tracing makes millions of objects, and each collection would visit all imports.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
# Fields of the settings of generators -> what makes them small.
SMALL = {
    "channels": 16,
    "num_identities": 5,
    "resolution": 16,
    "width": 4,
    "width_multiplier": 1 / 16,
}


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none; start with slow files, then long ones.

    So the last files are short, and no worker waits long for the other.
    """
    if not tf.config.list_physical_devices("GPU"):
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip("no GPU here"))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    sizes = {path: path.stat().st_size for path in {item.path for item in items}}
    items.sort(key=lambda item: (item.path not in slow, -sizes[item.path]))


def pytest_runtest_setup(item):
    """Let every test, and the fixtures it is the first to use, draw the same weights.

    Keras seeds them from `random`. TensorFlow's own seed would make it forget graphs.
    """
    random.seed(0)


@pytest.hookimpl(trylast=True)  # after the fixtures of the file are gone
def pytest_runtest_teardown(item, nextitem):
    """Free the models and graphs of a file: they lie in circles.

    Every all-reduce with a gradient keeps its graph for good, in TensorFlow's registry.
    What survives need not be visited again and again.
    """
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


def _golden_folders():
    named = os.environ.get("SAFEFAKES_GOLDEN_DIR")
    if named:
        return [pathlib.Path(named)]
    return [ROOT / "tests" / "golden" / "data", ROOT.parent / "shared" / "golden"]


@pytest.fixture(scope="module")
def graphs_as_traced():
    """Leave graphs unoptimised, as that takes longer than the few steps they run."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture
def steps_untraced():
    """Run functions operation by operation: one or two steps need no graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def shallow():
    """Leave out layers that are like others, see `shallow_networks`."""
    with pytest.MonkeyPatch.context() as patch:
        for part in (*shallow_networks.DETECTOR, *shallow_networks.GENERATORS):
            patch.setattr(*part)
        yield


@pytest.fixture(scope="session")
def golden_path():
    """Return a function: file name -> path of a golden file, or skip."""

    def find(name):
        for folder in _golden_folders():
            if (folder / name).exists():
                return folder / name
        pytest.skip(f"golden file {name} is not here")

    return find


@pytest.fixture(scope="session")
def golden(golden_path):
    """Return a function: name without `.npz` -> the loaded golden arrays, or skip."""
    return lambda name: np.load(golden_path(f"{name}.npz"))


@pytest.fixture(scope="session")
def anonymization(tmp_path_factory):
    """Return a function: anonymizer -> its options, with small random weights."""
    folder = tmp_path_factory.mktemp("generators")

    def options(name, **others):
        kind, path = names.network(name), folder / f"{name}.npz"
        if kind is None:
            return AnonymizationConfig(**others)
        if not path.exists():
            fields = {field.name for field in dataclasses.fields(kind)}
            network = kind(**{k: v for k, v in SMALL.items() if k in fields})
            keras.utils.set_random_seed(0)
            model = registry.method(name).build_generator(network)
            # Spectral norms, which are arbitrary before the first steps of training.
            batch = {key: tf.ones([1, *x.shape[1:]]) for key, x in model.input.items()}
            model(batch, training=True)
            about = generator_files.About(name, network, "random, for tests")
            generator_files.write(path, model, about)
        return AnonymizationConfig(weights=str(path), **others)

    return options


_create = registry.create


@functools.cache
def _create_once(changed, *arguments):
    """Create an anonymizer; `changed` is when its weights were."""
    return _create(*arguments)


@pytest.fixture(scope="module")
def anonymizers_traced_once():
    """Keep an anonymizer from one run to the next, as tracing takes longest."""

    def create(name, config, seed, source_layout=None):
        weights = pathlib.Path(config.weights or "")
        changed = weights.is_file() and weights.stat().st_mtime_ns
        return _create_once(changed, name, config, seed, source_layout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "create", create)
        yield


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder of real photos and predictions for local tests, or skip."""
    if not SHARED_DATA.exists():
        pytest.skip("the folder of local test data is not here")
    return SHARED_DATA


@pytest.fixture(scope="module")
def keypoint_detector():
    """Return the product's own search for keypoints, or skip."""
    try:
        found = mediapipe.MediaPipeDetector()
    except ValueError as error:
        pytest.skip(str(error))
    yield found
    found.close()
