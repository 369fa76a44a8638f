"""Shared fixtures. Two logical CPUs are made before TensorFlow starts."""

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

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import (
    AnonymizationConfig,
    CiaganConfig,
    DeepPrivacyConfig,
    Sun2018Config,
)

# Tracing makes millions of objects, and each collection would visit all imports.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Start with the files that take long, so that no core idles at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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
    networks = {
        "deepprivacy": DeepPrivacyConfig(channels=16, resolution=16),
        "sun2018": Sun2018Config(width=4, resolution=32),
        "ciagan": CiaganConfig(1 / 16, 32, num_identities=5),
    }
    folder = tmp_path_factory.mktemp("generators")

    def options(name, **others):
        path = folder / f"{name}.npz"
        if name in networks and not path.exists():
            keras.utils.set_random_seed(0)
            model = generator_files.METHODS[name][1](networks[name])
            # Spectral norms, which are arbitrary before the first steps of training.
            batch = {key: tf.ones([1, *x.shape[1:]]) for key, x in model.input.items()}
            model(batch, training=True)
            about = generator_files.About(name, networks[name], "random, for tests")
            generator_files.write(path, model, about)
        weights = str(path) if name in networks else None
        return AnonymizationConfig(weights=weights, **others)

    return options


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder of real photos and predictions for local tests, or skip."""
    if not SHARED_DATA.exists():
        pytest.skip("the folder of local test data is not here")
    return SHARED_DATA
