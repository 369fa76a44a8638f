"""Layers of DSFD.

Source: dsfd.md, section 4.
"""

import keras
import tensorflow as tf

UPSAMPLING = ("align_corners", "half_pixel")


def full_precision() -> str:
    """Return the type of weights: float32 under mixed policies, else the policy's."""
    return keras.config.dtype_policy().variable_dtype


@keras.saving.register_keras_serializable("safefakes_tf")
class Conv2D(keras.layers.Conv2D):
    """Keras' layer, which computes as a product of matrices where no pixel is shared.

    Of maps smaller than the dilation a kernel sees the pixel under its centre only, and
    a single output pixel takes all that the kernel covers. TensorFlow spends most of
    the time of such convolutions on their arrangement. The sizes of the maps must be
    known when the graph is traced; else it is Keras' convolution.
    """

    def convolution_op(self, inputs, kernel):
        _, height, width, channels = inputs.shape
        side = self.kernel_size[0]
        if height is None or width is None or side == 1:
            return super().convolution_op(inputs, kernel)
        if self.padding == "same" and self.dilation_rate[0] >= max(height, width):
            pixels = tf.reshape(inputs, [-1, channels])
            centre = tf.convert_to_tensor(kernel)[side // 2, side // 2]
            return tf.reshape(pixels @ centre, [-1, height, width, self.filters])
        if self.padding == "valid" and max(height, width) < side + self.strides[0]:
            seen = tf.reshape(inputs[:, :side, :side], [-1, side * side * channels])
            outputs = seen @ tf.reshape(kernel, [-1, self.filters])
            return tf.reshape(outputs, [-1, 1, 1, self.filters])
        return super().convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable("safefakes_tf")
class L2Norm(keras.layers.Layer):
    """Scale each pixel's channel vector to unit length, then by a learnt gain.

    `y_c = gain_c * x_c / (sqrt(sum_k x_k^2) + 1e-10)`; float32 [N, H, W, C] to the
    same. Computes in full precision under every policy: squares of raw VGG maps
    overflow half precision.

    Args:
        initial_gain: start value of every channel's gain.

    Source: ParseNet (Liu et al., 2015), section 3.3; dsfd.md, section 4.2.
    """

    def __init__(self, initial_gain: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": full_precision()})
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
        super().__init__(**{**kwargs, "dtype": full_precision()})
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
