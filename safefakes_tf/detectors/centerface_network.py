"""CenterFace's network in TensorFlow: MobileNetV2, and a pyramid of its features.

On two cores with instructions for bfloat16 it takes half the time that OpenCV takes for
the same network, and as long as OpenCV on others.

Source: Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point,
arXiv 1911.03599, section 3; Sandler et al., MobileNetV2, arXiv 1801.04381, table 2.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

# Of MobileNetV2: blocks in each stage, and the stride of the first.
STAGES = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
TAPPED = (4, 2, 1)  # stages whose features the pyramid adds, from coarse to fine
EXACT = 2  # stage in float32, whatever the others: most faces are found by its features
MAPS = (1, 2, 2)  # channels of scores, sizes and offsets
EPSILON = 1e-3  # of batch normalization

Layers = Sequence[Sequence[np.ndarray]]


def build(
    layers: Layers, dtype: tf.DType
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """Return the network as a function of a photo.

    Args:
        layers: weights in the order and the shapes of the ONNX file, see
            `importers.onnx_files.read`.
        dtype: in which MobileNetV2 computes: bfloat16 or float32.

    Returns:
        uint8 [H, W, 3], RGB, both sides multiples of 32, turned by 180 degrees: where
        the stride is 2, "SAME" pads below and at the right, but the published network
        above and at the left. -> float32 maps [H/4, W/4, C], turned back: scores in
        [0, 1], C = 1; logarithms of height and width, and offsets y x, in cells, C = 2.
    """

    def network(pixels):
        weights = _Weights(layers)
        features = tf.cast(pixels, dtype)[tf.newaxis]
        features = tf.nn.relu(weights.convolve(features, stride=2))
        tapped = []
        for stage, (count, stride) in enumerate(STAGES):
            features = tf.cast(features, tf.float32 if stage == EXACT else dtype)
            for block in range(count):
                first = stride if block == 0 else 1
                features = _block(weights, features, first, expanded=stage > 0)
            tapped.append(tf.cast(features, tf.float32))
        # The pyramid is small, and scores and sizes need more digits than bfloat16 has.
        features = tf.nn.relu(weights.convolve(tapped[-1]))
        for stage in TAPPED:
            features = tf.nn.relu(weights.enlarge(features))
            features += tf.nn.relu(weights.convolve(tapped[stage]))
        features = tf.nn.relu(weights.convolve(features))
        maps = tf.reverse(weights.convolve_by_several(features, len(MAPS))[0], [0, 1])
        heat, extents, offsets = tf.split(maps, MAPS, axis=2)
        return tf.sigmoid(heat), extents, offsets

    signature = [tf.TensorSpec([None, None, 3], tf.uint8)]
    traced = tf.function(network, input_signature=signature, autograph=False)
    return traced.get_concrete_function()  # which lets go of `layers`


def _block(weights, features, stride, expanded):
    """Return what an inverted residual of MobileNetV2 makes of features."""
    inside = features
    if expanded:
        inside = tf.nn.relu(weights.convolve(inside))
    inside = tf.nn.relu(weights.convolve_each(inside, stride))
    inside = weights.convolve(inside)
    return inside + features if inside.shape[3] == features.shape[3] else inside


class _Weights:
    """Layers that take their weights one after another, for a photo upside down.

    Each computes in the type of its features.
    """

    def __init__(self, layers):
        self._layers = iter(layers)

    def convolve(self, features, stride=1):
        return _convolved(features, *next(self._layers), stride)

    def convolve_by_several(self, features, count):
        """Convolve by several layers at once: one of few channels takes as long."""
        kernels, biases = zip(*itertools.islice(self._layers, count), strict=True)
        return _convolved(features, np.concatenate(kernels), np.concatenate(biases))

    def convolve_each(self, features, stride):
        """Convolve every channel on its own."""
        kernel, bias = next(self._layers)
        kernel = tf.constant(_turned(kernel).transpose(2, 3, 0, 1), features.dtype)
        strides = [1, stride, stride, 1]
        convolved = tf.nn.depthwise_conv2d(features, kernel, strides, "SAME")
        return tf.nn.bias_add(convolved, tf.constant(bias, features.dtype))

    def enlarge(self, features):
        """Double height and width by a transposed convolution, and normalize."""
        (kernel,), normalization = next(self._layers), next(self._layers)
        scale, shift, mean, variance = normalization
        scale = scale / np.sqrt(variance + EPSILON)
        kernel = _turned(kernel * scale[:, np.newaxis, np.newaxis])
        # Its 2 x 2 outputs per pixel do not overlap: channels, laid side by side.
        kernel = kernel.transpose(0, 2, 3, 1).reshape(1, 1, len(kernel), -1)
        kernel = tf.constant(kernel, features.dtype)
        convolved = tf.nn.conv2d(features, kernel, 1, "SAME")
        bias = tf.constant(np.tile(shift - mean * scale, 4), features.dtype)
        return tf.nn.depth_to_space(tf.nn.bias_add(convolved, bias), 2)


def _convolved(features, kernel, bias, stride=1):
    kernel = tf.constant(_turned(kernel).transpose(2, 3, 1, 0), features.dtype)
    convolved = tf.nn.conv2d(features, kernel, stride, "SAME")
    return tf.nn.bias_add(convolved, tf.constant(bias, features.dtype))


def _turned(array):
    """Turn by 180 degrees an array whose rows and columns come last."""
    return array[..., ::-1, ::-1]
