"""Sun2018's networks with the weights of the golden files."""

import golden_weights

from safefakes_tf.anonymizers.sun2018 import importer
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.config import Sun2018Config
from safefakes_tf.importers.parameters import reference_shape


def generator(salt):
    return filled(sun2018.build_generator(Sun2018Config()), salt)


def discriminator(salt):
    return filled(sun2018.build_discriminator(Sun2018Config()), salt)


def filled(model, salt):
    variables = importer.reference_variables(model)
    importer.load_reference(
        model, {n: _parameter(salt, n, v) for n, v in variables.items()}
    )
    return model


def _parameter(salt, name, variable):
    shape = reference_shape(variable)
    if name.startswith("bn"):
        kind = "norm_bias" if name.endswith("bias") else "norm_weight"
    elif name.endswith("bias"):
        kind = "bias"
    else:
        kind = "linear" if len(shape) == 2 else "conv"
    value = golden_weights.fill(salt, name, shape, kind)
    halved = name.endswith(("_a.conv.weight", "_b.conv.weight"))
    return value / 2 if halved else value


def nhwc(array):
    return array.transpose(0, 2, 3, 1)
