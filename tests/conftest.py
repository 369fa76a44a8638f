"""Shared fixtures. Two logical CPUs are made before TensorFlow starts."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import numpy as np
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def _golden_folders():
    named = os.environ.get("SAFEFAKES_GOLDEN_DIR")
    if named:
        return [pathlib.Path(named)]
    return [ROOT / "tests" / "golden" / "data", ROOT.parent / "shared" / "golden"]


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
def shared_data():
    """Return the folder of real photos and predictions for local tests, or skip."""
    if not SHARED_DATA.exists():
        pytest.skip("the folder of local test data is not here")
    return SHARED_DATA
