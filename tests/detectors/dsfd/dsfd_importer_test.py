"""Tests of safefakes_tf/importers/dsfd.py."""

import numpy as np
import pytest

from safefakes_tf.config import DetectorConfig
from safefakes_tf.detectors.dsfd import importer
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.importers.parameters import reference_shape


@pytest.fixture(scope="module")
def model():
    return dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 64))


@pytest.fixture
def parameters(model):
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(size=reference_shape(variable)).astype(np.float32)
        for name, variable in importer.reference_variables(model).items()
    }


def test_every_variable_has_one_name(model):
    variables = importer.reference_variables(model)
    assert len(variables) == 186
    assert {id(v) for v in variables.values()} == {id(v) for v in model.variables}


def test_kernels_are_transposed(model, parameters):
    importer.load_reference(model, parameters)
    kernel, bias = model.get_layer("enhance_2_branch3_2").get_weights()
    theirs = parameters["fpn_fem.1.branch3.2.weight"]
    assert kernel[2, 1, 0, 1] == theirs[1, 0, 2, 1]
    np.testing.assert_array_equal(bias, parameters["fpn_fem.1.branch3.2.bias"])


def test_misfits_are_named_and_change_nothing(model, parameters):
    before = model.get_weights()
    del parameters["vgg.0.bias"]
    parameters["vgg.1.weight"] = np.zeros([3])
    parameters["L2Normof1.weight"] = np.zeros([3], np.float32)
    with pytest.raises(ValueError) as error:
        importer.load_reference(model, parameters)
    for part in (
        "missing vgg.0.bias",
        "unknown vgg.1.weight",
        "L2Normof1.weight must be (4,), got (3,)",
    ):
        assert part in str(error.value)
    for got, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, expected)
