"""A better start for networks that begin with random weights."""

import keras
import tensorflow as tf

_FEW = 8  # values of a channel over the batch; as many tell its deviation


def fit_to_photos(model: keras.Model, photos: tf.Tensor, names: set[str]) -> None:
    """Scale and shift random convolutions to what they see in a batch of photos.

    Afterwards each channel, before its activation, has mean 0 over the batch, and
    standard deviation 1, or 0.1 in the heads, which so begin undecided. Without that,
    the maps of a deep stack of random convolutions with ReLU look almost alike at every
    position, and training stands still for hundreds of steps. Of few values per
    channel, as in a map of one pixel, all channels share the deviation: that of some
    would be near 0 by chance, and other photos' maps would be huge.

    Args:
        model: functional, every layer used once.
        photos: float32 [N, H, W, 3], as the model takes them.
        names: of the convolutions; see `convolutions`.

    Source: "Data-dependent Initializations of Convolutional Neural Networks"
    (Krähenbühl et al., ICLR 2016), section 3.1.
    """
    heads = {layer.name for layer in model.layers if _feeds_output(layer)}
    values = {id(model.input): photos}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs, named_inputs = layer._inbound_nodes[0].arguments.fill_in(values)
        if layer.name in names:
            deviation = 0.1 if layer.name in heads else 1.0
            _standardise(layer, layer.responses(*inputs, **named_inputs), deviation)
        values[id(layer.output)] = layer(*inputs, **named_inputs)


def convolutions(model: keras.Model) -> set[str]:
    """Return the names of all convolutions of a functional model."""
    return {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)
    }


def _feeds_output(layer):
    """Tell whether a convolution's values are an output, save for reshaping."""
    following = [node.operation for node in layer._outbound_nodes]
    return any(isinstance(operation, keras.layers.Reshape) for operation in following)


def _standardise(layer, responses, deviation):
    mean, variance = tf.nn.moments(responses, [0, 1, 2])
    if tf.size(responses[..., 0]) < _FEW:
        variance = tf.reduce_mean(variance)
    scale = deviation * tf.math.rsqrt(variance + 1e-6)
    layer.kernel.assign(layer.kernel * scale)
    layer.bias.assign(-mean * scale)
