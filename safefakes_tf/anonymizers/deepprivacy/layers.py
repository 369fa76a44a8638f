"""Layers with an equalised learning rate, and pixel norm."""

import math

import keras
import tensorflow as tf


class Equalized(keras.layers.Layer):
    """What the layers with an equalised learning rate share: a scaled kernel.

    The kernel starts N(0, 1), and counts times `sqrt(2 / fan_in)` in every call, so
    that Adam moves each layer at the same pace. Subclasses add `kernel` and `bias`.

    Source: "Progressive Growing of GANs" (Karras et al., ICLR 2018), section 4.1;
    deepprivacy.md, section 1.
    """

    def _add_weights(self, kernel_shape):
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.scale = math.sqrt(2 / math.prod(kernel_shape[:-1]))
        self.kernel = self.add_weight(
            shape=kernel_shape, initializer=normal, name="kernel"
        )
        self.bias = self.add_weight(shape=kernel_shape[-1:], name="bias")

    def scaled_kernel(self) -> tf.Tensor:
        """Return the kernel as it is applied."""
        return self.kernel * tf.cast(self.scale, self.kernel.dtype)

    def fold(self) -> None:
        """Multiply the scale into the kernel for good: for networks that only run."""
        self.kernel.assign(self.kernel * self.scale)
        self.scale = 1.0


@keras.saving.register_keras_serializable("safefakes_tf")
class EqualizedConv2D(Equalized):
    """Convolution with stride 1 and an equalised learning rate; see `Equalized`.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel in pixels.
        padding: "same" (zeros) or "valid".
    """

    def __init__(self, filters: int, kernel_size: int, padding: str = "same", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.padding = filters, kernel_size, padding

    def build(self, input_shape):
        side = self.kernel_size
        self._add_weights((side, side, input_shape[-1], self.filters))

    def call(self, inputs):
        kernel = tf.cast(self.scaled_kernel(), inputs.dtype)
        x = tf.nn.conv2d(inputs, kernel, 1, self.padding.upper())
        return tf.nn.bias_add(x, tf.cast(self.bias, x.dtype))


@keras.saving.register_keras_serializable("safefakes_tf")
class EqualizedDense(Equalized):
    """Fully connected layer with an equalised learning rate; see `Equalized`.

    Args:
        units: number of outputs.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self._add_weights((input_shape[-1], self.units))

    def call(self, inputs):
        return tf.matmul(inputs, tf.cast(self.scaled_kernel(), inputs.dtype)) + tf.cast(
            self.bias, inputs.dtype
        )


@keras.saving.register_keras_serializable("safefakes_tf")
class PixelNorm(keras.layers.Layer):
    """Scale each pixel's channels to a mean square of one, in full precision.

    Source: deepprivacy.md, section 1.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": full_precision()})

    def call(self, inputs):
        power = tf.reduce_mean(tf.square(inputs), axis=-1, keepdims=True)
        return inputs * tf.math.rsqrt(power + 1e-8)


def full_precision() -> str:
    """Return what the policy stores weights in, and what leaves a network has."""
    return keras.config.dtype_policy().variable_dtype
