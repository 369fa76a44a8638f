"""The test vectors of golden_weights.md, section 4."""

import golden_weights
import numpy as np
import pytest

VECTORS = [
    ("", "vgg.0.weight", (64, 3, 3, 3), -1.0088351439500225, 4.5200960351746176),
    ("", "vgg.0.bias", (64,), -0.5587148203340478, -0.10080163618928673),
    ("", "bn1.running_var", (4,), 0.43162375504744943, -0.06035280312822966),
    ("x/", "vgg.0.weight", (64, 3, 3, 3), 0.32487570993770354, -17.64949137449893),
]


@pytest.mark.parametrize(("salt", "name", "shape", "first", "total"), VECTORS)
def test_draws(salt, name, shape, first, total):
    z = golden_weights.draw(salt, name, shape)
    assert z.shape == shape
    assert z.flat[0] == first
    np.testing.assert_allclose(z.sum(), total, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "kind", "first"),
    [
        ("vgg.0.weight", (64, 3, 3, 3), "conv", -0.27457014),
        ("vgg.0.bias", (64,), "bias", -0.055871483),
        ("bn1.running_var", (4,), "running_var", 1.0863247),
    ],
)
def test_values(name, shape, kind, first):
    value = golden_weights.fill("", name, shape, kind)
    assert value.dtype == np.float32
    assert value.flat[0] == np.float32(first)


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="convolution"):
        golden_weights.fill("", "a", (2,), "convolution")
