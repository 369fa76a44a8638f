"""DeepPrivacy's networks with the weights of the golden files."""

import golden_weights

from safefakes_tf.anonymizers.deepprivacy import importer
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.config import DeepPrivacyConfig
from safefakes_tf.importers.parameters import reference_shape


def generator(salt, channels, resolution, fading):
    config = DeepPrivacyConfig(channels, resolution)
    return filled(deepprivacy.build_generator(config, fading), salt)


def discriminator(salt, channels, resolution, fading):
    config = DeepPrivacyConfig(channels, resolution)
    return filled(deepprivacy.build_discriminator(config, fading), salt)


def filled(model, salt):
    variables = importer.reference_variables(model)
    importer.load_reference(
        model, {n: _parameter(salt, n, v) for n, v in variables.items()}
    )
    return model


def _parameter(salt, name, variable):
    shape = reference_shape(variable)
    if not name.endswith("bias"):
        kind = "linear_equalized" if "linear" in name else "conv_equalized"
        return golden_weights.fill(salt, name, shape, kind)
    if not name.startswith("output_layer"):
        shape = (1, *shape, 1, 1)
    return golden_weights.fill(salt, name, shape, "bias")


def nhwc(array):
    return array.transpose(0, 2, 3, 1)
