import numpy as np
import pytest

from safefakes_tf.anonymizers.deepprivacy import importer
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.config import DeepPrivacyConfig
from safefakes_tf.importers.parameters import reference_shape

NARROW = DeepPrivacyConfig(channels=16)


def arrays(model, flat=False):
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(size=reference_shape(variable)).astype(np.float32)
        for name, variable in importer.reference_variables(model, flat).items()
    }


def test_numbers_of_tensors_are_the_published_ones():
    config = DeepPrivacyConfig(channels=16)
    generator = deepprivacy.build_generator(config, fading=True)
    assert len(importer.reference_variables(generator)) == 68
    generator = deepprivacy.build_generator(config)
    assert len(importer.reference_variables(generator, flat=True)) == 64
    discriminator = deepprivacy.build_discriminator(config, fading=True)
    assert len(importer.reference_variables(discriminator)) == 30


def test_both_versions_of_the_names_give_the_same_network():
    first, second = (deepprivacy.build_generator(NARROW) for _ in range(2))
    given = arrays(first)
    importer.load_reference(first, given)
    old = importer.reference_variables(first)
    new = importer.reference_variables(first, flat=True)
    renamed = {
        flat: given[name]
        for name, variable in old.items()
        for flat, other in new.items()
        if other is variable
    }
    importer.load_reference(second, renamed)
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_leftovers_of_the_fade_in_are_passed_over():
    fading = deepprivacy.build_generator(NARROW, fading=True)
    model = deepprivacy.build_generator(NARROW)
    given = arrays(fading)
    importer.load_reference(model, given)
    kernel = given["to_rgb_new.conv.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(model.get_layer("to_rgb_128").kernel, kernel)


def test_misfits_are_named():
    model = deepprivacy.build_generator(NARROW)
    given = arrays(model)
    del given["to_rgb_new.bias"]
    given["surplus"] = np.zeros(1)
    with pytest.raises(ValueError, match=r"missing to_rgb_new.bias; unknown surplus"):
        importer.load_reference(model, given)
