"""Convolution divided by the largest singular value of its kernel.

Source: "Spectral Normalization for Generative Adversarial Networks" (Miyato et al.,
ICLR 2018), algorithm 1; ciagan.md, section 2.
"""

import keras
import tensorflow as tf

HALVE, DOUBLE = "halve", "double"


@keras.saving.register_keras_serializable("safefakes_tf")
class SpectralConv2D(keras.layers.Layer):
    """Convolution with mirrored borders and a kernel of spectral norm one.

    Float32 [N, H, W, C] to [N, H, W, filters]. The singular vectors are stored; a call
    with `training=True` brings them one power iteration closer, any other call takes
    them as they are. They are constants for the gradient.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel, odd, px; the border is mirrored half of it.
        kernel_initializer, bias_initializer: as of `keras.layers.Conv2D`.
        resampling: None; "halve", to follow the convolution by the mean of 2 x 2
            pixels, H and W even; or "double", to begin with each pixel 2 x 2 times. The
            kernel has 3 x 3 pixels then.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        kernel_initializer: str | keras.Initializer = "glorot_normal",
        bias_initializer: str | keras.Initializer = "zeros",
        resampling: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size
        self.resampling = resampling
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self._folded = False

    def build(self, input_shape):
        side, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            shape=(side, side, channels, self.filters),
            initializer=self.kernel_initializer,
            autocast=False,  # the norm is computed in full precision
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer=self.bias_initializer, name="bias"
        )
        # All replicas make the same step from the same kernel.
        vector = {
            "initializer": keras.initializers.RandomNormal(stddev=1.0),
            "trainable": False,
            "aggregation": "only_first_replica",
            "autocast": False,
        }
        self.u = self.add_weight(shape=(self.filters,), name="u", **vector)
        self.v = self.add_weight(shape=(side * side * channels,), name="v", **vector)

    def call(self, inputs, training=False):
        kernel = tf.convert_to_tensor(self.kernel)
        if not self._folded:
            kernel = _normed(kernel, *self._singular(kernel, training))
        kernel, bias = (tf.cast(part, inputs.dtype) for part in (kernel, self.bias))
        if self.kernel_size == 1:
            matrix = tf.reshape(kernel, kernel.shape[2:])
            outputs = tf.matmul(tf.reshape(inputs, [-1, inputs.shape[-1]]), matrix)
        else:
            outputs = _CONVOLVE[self.resampling](inputs, kernel)
            if self.resampling != HALVE:
                return tf.nn.bias_add(outputs, bias)
        # As rows of a matrix: Grappler's remapper (TensorFlow 2.21) would fuse a
        # convolution, the sum behind it and the activation behind that, though others
        # read the sum, and then fail.
        rows = tf.nn.bias_add(tf.reshape(outputs, [-1, self.filters]), bias)
        return tf.reshape(rows, [-1, *self.compute_output_shape(inputs.shape)[1:]])

    def compute_output_shape(self, input_shape):
        factor = {None: 1, HALVE: 0.5, DOUBLE: 2}[self.resampling]
        count, height, width, _ = input_shape
        return (count, int(height * factor), int(width * factor), self.filters)

    def _singular(self, kernel, training):
        """Return the singular vectors as rows, and the singular value."""
        matrix = tf.reshape(tf.stop_gradient(kernel), [-1, self.filters])
        u = tf.reshape(self.u, [1, -1])
        if not training:
            v = tf.reshape(self.v, [1, -1])
            return u, v, tf.reduce_sum(tf.matmul(v, matrix) * u)
        v, _ = _unit(tf.matmul(u, matrix, transpose_b=True))
        # The product of both is this length.
        u, value = _unit(tf.matmul(v, matrix))
        self.u.assign(tf.reshape(u, self.u.shape))
        self.v.assign(tf.reshape(v, self.v.shape))
        return u, v, value

    def fold(self) -> None:
        """Divide the kernel by its norm for good: for networks that only run."""
        kernel = tf.convert_to_tensor(self.kernel)
        self.kernel.assign(_normed(kernel, *self._singular(kernel, False)))
        self._folded = True

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "resampling": self.resampling,
        }


# A mean of 2 x 2 pixels and a convolution may change places. So the convolution is
# computed at a quarter of the pixels, where it came first and the mean left out three
# of four, or where it read each pixel four times.


def _convolve(inputs, kernel):
    inputs = _padded(inputs, kernel.shape[0] // 2, "REFLECT")
    return tf.nn.conv2d(inputs, kernel, 1, "VALID")


def _convolve_to_half(inputs, kernel):
    means = tf.nn.avg_pool2d(_padded(inputs, 1, "REFLECT"), 2, 1, "VALID")
    return tf.nn.conv2d(means, kernel, 2, "VALID")


def _convolve_double(inputs, kernel):
    # The mirrored border of the doubled map is its outermost pixels once more.
    inputs = _padded(inputs, 1, "SYMMETRIC")
    count, height, width, _ = inputs.shape
    spread = tf.nn.conv2d_transpose(
        inputs,
        4 * tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]),
        [count or tf.shape(inputs)[0], 2 * height + 1, 2 * width + 1, kernel.shape[3]],
        strides=2,
        padding="VALID",
    )
    return tf.nn.avg_pool2d(spread[:, 2:-2, 2:-2], 2, 1, "VALID")


_CONVOLVE = {None: _convolve, HALVE: _convolve_to_half, DOUBLE: _convolve_double}


def _padded(maps, margin, mode):
    return tf.pad(maps, [[0, 0], [margin, margin], [margin, margin], [0, 0]], mode)


def _normed(kernel, u, v, value):
    """Divide a kernel by its singular value, which is `v K u^T`.

    The gradient is that of this formula, u and v constant, in fewer passes over the
    kernel than TensorFlow would make of it.
    """

    @tf.custom_gradient
    def norm(kernel):
        normed = kernel / value

        def gradient(upstream):
            flat = [tf.reshape(part, [1, -1]) for part in (upstream, normed)]
            along = tf.matmul(*flat, transpose_b=True)
            outer = tf.matmul(along * v, u, transpose_a=True)
            return (upstream - tf.reshape(outer, kernel.shape)) / value

        return normed, gradient

    return norm(kernel)


def _unit(row):
    """Return a row of length one, and the length, [1, 1], that it had.

    A row of zeros stays one.
    """
    length = tf.sqrt(tf.matmul(row, row, transpose_b=True))
    return tf.math.divide_no_nan(row, length), length
