"""Layers used by more than one model."""

import math

import keras
import tensorflow as tf

UPSAMPLING = ("align_corners", "half_pixel")


def fold(model: keras.Model) -> None:
    """Compute once, in place, what a model that only runs need not compute per call.

    Scaled kernels and spectral norms become part of the kernels.
    """
    for layer in model.layers:
        if hasattr(layer, "fold"):
            layer.fold()


@keras.saving.register_keras_serializable("safefakes_tf")
class L2Norm(keras.layers.Layer):
    """Scale each pixel's channel vector to unit length, then by a learnt gain.

    `y_c = gain_c * x_c / (sqrt(sum_k x_k^2) + 1e-10)`; float32 [N, H, W, C] to the
    same. Computes in float32 under every policy: squares of raw VGG maps overflow half
    precision.

    Args:
        initial_gain: start value of every channel's gain.

    Source: ParseNet (Liu et al., 2015), section 3.3; dsfd.md, section 4.2.
    """

    def __init__(self, initial_gain: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.initial_gain = initial_gain

    def build(self, input_shape):
        self.gain = self.add_weight(
            name="gain",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_gain),
        )

    def call(self, inputs):
        squares = tf.reduce_sum(tf.square(inputs), axis=-1, keepdims=True)
        # The root's slope is infinite at 0: without the tiny constant, a pixel whose
        # channels are all 0 would have NaN as its gradient.
        length = tf.sqrt(squares + 1e-20) + 1e-10
        return self.gain * (inputs / length)

    def get_config(self):
        return {**super().get_config(), "initial_gain": self.initial_gain}


@keras.saving.register_keras_serializable("safefakes_tf")
class ResizeLike(keras.layers.Layer):
    """Resize a map bilinearly to the height and width of another one.

    Called on `[maps, target]`; returns float32 [N, target's H, target's W, maps' C].

    Args:
        convention: "align_corners" (corner pixels' centres stay where they are; neither
            `keras.layers.UpSampling2D` nor `tf.image.resize` does that) or
            "half_pixel" (image borders do, without antialiasing).

    Source: dsfd.md, section 4.4.
    """

    def __init__(self, convention: str = "align_corners", **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if convention not in UPSAMPLING:
            raise ValueError(
                f"upsampling must be one of {', '.join(UPSAMPLING)}; got {convention!r}"
            )
        self.convention = convention

    def call(self, inputs):
        maps, target = inputs
        return tf.raw_ops.ResizeBilinear(
            images=maps,
            size=tf.shape(target)[1:3],
            align_corners=self.convention == "align_corners",
            half_pixel_centers=self.convention == "half_pixel",
        )

    def compute_output_shape(self, input_shape):
        maps, target = input_shape
        return (*target[:3], maps[3])

    def get_config(self):
        return {**super().get_config(), "convention": self.convention}


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

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
        }


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

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("safefakes_tf")
class PixelNorm(keras.layers.Layer):
    """Scale each pixel's channels to a mean square of one, in float32.

    Source: deepprivacy.md, section 1.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs):
        power = tf.reduce_mean(tf.square(inputs), axis=-1, keepdims=True)
        return inputs * tf.math.rsqrt(power + 1e-8)
