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

    A kernel of one pixel, or of a map smaller than the dilation, sees the pixel under
    its centre only, and a single output pixel takes all that the kernel covers.
    TensorFlow spends most of the time of such convolutions on their arrangement. The
    sizes of the maps must be known when the graph is traced; else it is Keras'
    convolution.

    Args:
        step: above 1 the convolution is one dilated by `step`, and computes between the
            `phases` of a map; padding="same" is expected. TensorFlow takes the map
            apart and joins it again for each of several such convolutions in turn; of
            these the first is called on the map, the others on phases and `whole`, the
            map, and `JoinPhases` on what the last ones return.
        others: of `keras.layers.Conv2D`.
    """

    def __init__(self, *args, step: int = 1, **kwargs):
        super().__init__(*args, **kwargs)
        self.step = step

    def call(self, inputs, whole=None):
        return super().call(self._seen(inputs, whole))

    def responses(self, inputs, whole=None) -> tf.Tensor:
        """Return the convolution of a whole map, without bias and activation.

        Args:
            inputs, whole: as the layer is called; the result is of the kernel's type.
        """
        seen = tf.cast(self._seen(inputs, whole), self.kernel.dtype)
        outputs = self.convolution_op(seen, self.kernel)
        if self.step == 1:
            return outputs
        whole = inputs if whole is None else whole
        return tf.batch_to_space(outputs, *phases(whole, self.step))

    def _seen(self, inputs, whole):
        """Return what the kernel moves over."""
        if self.step == 1:
            return inputs
        if whole is None:
            return tf.space_to_batch(inputs, *phases(inputs, self.step))
        return _clear_beyond(inputs, whole, self.step)

    def compute_output_shape(self, input_shape):
        if self.step > 1:
            return (None, None, None, self.filters)
        return super().compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "step": self.step}

    def convolution_op(self, inputs, kernel):
        _, height, width, channels = inputs.shape
        side = self.kernel_size[0]
        if height is None or width is None:
            return super().convolution_op(inputs, kernel)
        alone = side == 1 or self.dilation_rate[0] >= max(height, width)
        if self.padding == "same" and self.strides == (1, 1) and alone:
            pixels = tf.reshape(inputs, [-1, channels])
            centre = tf.convert_to_tensor(kernel)
            if side > 1:
                centre = centre[side // 2, side // 2]
            outputs = pixels @ tf.reshape(centre, [channels, self.filters])
            return tf.reshape(outputs, [-1, height, width, self.filters])
        if self.padding == "valid" and max(height, width) < side + self.strides[0]:
            seen = tf.reshape(inputs[:, :side, :side], [-1, side * side * channels])
            outputs = seen @ tf.reshape(kernel, [-1, self.filters])
            return tf.reshape(outputs, [-1, 1, 1, self.filters])
        return super().convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable("safefakes_tf")
class JoinPhases(keras.layers.Layer):
    """Join what convolutions between phases left, channels beside each other.

    Called on `(branches, whole)`: outputs of such convolutions, and the map whose
    phases they are of; returns [N, height and width of `whole`, sum of the channels].
    """

    def __init__(self, step: int, **kwargs):
        super().__init__(**kwargs)
        self.step = step

    def call(self, branches, whole):
        joined = tf.concat(branches, axis=-1)
        return tf.batch_to_space(joined, *phases(whole, self.step))

    def compute_output_shape(self, branches_shape, whole_shape):
        return (*whole_shape[:3], sum(shape[3] for shape in branches_shape))

    def get_config(self):
        return {**super().get_config(), "step": self.step}


def phases(maps: tf.Tensor, step: int) -> tuple:
    """Take maps apart into such of every `step`-th pixel, for `tf.space_to_batch`.

    A convolution dilated by `step` is a plain one of each.

    Args:
        maps: [N, H, W, C].
        step: in pixels.

    Returns:
        The steps along both axes, and the zeros to add before and behind each. Where a
        map is no larger than the step, each pixel is a phase.
    """
    sizes = maps.shape[1:3]
    if None in sizes:
        behind = -tf.shape(maps)[1:3] % step
        return [step, step], tf.stack([tf.zeros_like(behind), behind], axis=1)
    steps = [min(step, size) for size in sizes]
    return steps, [[0, -size % step] for size, step in zip(sizes, steps, strict=True)]


def _clear_beyond(outputs, whole, step):
    """Set to zero what phases have beyond the map: the next kernel must see zeros."""
    steps, padding = phases(whole, step)
    if isinstance(padding, list) and not any(behind for _, behind in padding):
        return outputs
    inside = tf.ones(tf.shape(whole)[:3], outputs.dtype)[..., tf.newaxis]
    return outputs * tf.space_to_batch(inside, steps, padding)


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
