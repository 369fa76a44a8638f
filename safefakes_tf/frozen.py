"""Networks whose weights are constants of a graph."""

from collections.abc import Iterable

import keras
import tensorflow as tf


def weights(variables: Iterable[keras.Variable]) -> keras.StatelessScope:
    """Return a scope in which variables have the values of now, as constants.

    A graph that is traced there needs no variables to be saved or run, and is faster:
    a convolution arranges a constant kernel for its instructions once, not at every
    call. Tracing takes longer, which pays after some tens of calls. What is assigned
    to the variables later changes nothing, so the weights must be final.

    Args:
        variables: of a Keras model.
    """
    with tf.init_scope():  # there are no values to be read while a graph is traced
        values = [(variable, variable.numpy()) for variable in variables]
    return keras.StatelessScope(
        state_mapping=[(variable, tf.constant(value)) for variable, value in values]
    )
