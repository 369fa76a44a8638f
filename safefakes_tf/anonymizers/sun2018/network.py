"""Sun2018, head inpainting: a U-Net with a narrow middle, and its discriminator.

Source: "Natural and Effective Obfuscation by Head Inpainting" (Sun et al., CVPR 2018),
of which no code is public; the details are those of sun2018.md.
"""

import keras
import tensorflow as tf

from safefakes_tf.config import Sun2018Config
from safefakes_tf.ops.activations import LeakyReLU

CONDITION, KEYPOINT_MAPS = "condition", "keypoint_maps"
NUM_KEYPOINTS = 68
LEVELS = 5
BOTTLENECK = 64  # numbers that carry what every pixel must know of all others
RADIUS = 2  # px, of the disc that stands for a keypoint
DISCRIMINATOR_WIDTH = 64


# === Layers ===


@keras.saving.register_keras_serializable("safefakes_tf")
class BatchStatisticsNorm(keras.layers.Layer):
    """Batch norm that always uses the batch's own mean and variance, of all replicas.

    Source: sun2018.md, section 4.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": _full_precision()})

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gain = self.add_weight(shape=shape, initializer="ones", name="gain")
        self.shift = self.add_weight(shape=shape, name="shift", initializer="zeros")

    def call(self, inputs):
        moments = tf.stack(
            [
                tf.reduce_mean(inputs, axis=[0, 1, 2]),
                tf.reduce_mean(tf.square(inputs), axis=[0, 1, 2]),
            ]
        )
        replicas = tf.distribute.get_replica_context()
        if replicas is not None and replicas.num_replicas_in_sync > 1:
            moments = replicas.all_reduce(tf.distribute.ReduceOp.MEAN, moments)
        mean, square = tf.unstack(moments)
        # Rounding leaves less than 0 where maps hardly vary.
        variance = tf.maximum(square - tf.square(mean), 0.0)
        scale = self.gain * tf.math.rsqrt(variance + 1e-5)
        return (inputs - mean) * scale + self.shift


def keypoint_maps(points: tf.Tensor, resolution: int) -> tf.Tensor:
    """Draw keypoints as discs: 1 on the disc, -1 elsewhere, one map for each.

    Args:
        points: float [N, 68, 2], x y in pixels of the patch. One outside it, such as
            (-1, -1), leaves its map empty.
        resolution: side of the patch, px.

    Returns:
        float32 [N, resolution, resolution, 68].

    Source: sun2018.md, section 2.
    """
    centres = tf.floor(tf.cast(points, tf.float32))
    inside = tf.reduce_all((centres >= 0) & (centres < resolution), axis=-1)
    pixels = tf.range(resolution, dtype=tf.float32)
    across, down = tf.unstack(
        tf.square(pixels - centres[..., tf.newaxis]), axis=2
    )  # [N, 68, side]: squared distance of each column, and of each row
    near = down[:, :, :, tf.newaxis] + across[:, :, tf.newaxis] <= RADIUS**2
    near &= inside[:, :, tf.newaxis, tf.newaxis]
    maps = tf.where(near, 1.0, -1.0)
    return tf.transpose(maps, [0, 2, 3, 1])


def _full_precision():
    """Return what the policy stores weights in, and what leaves a network has."""
    return keras.config.dtype_policy().variable_dtype


def _conv(x, filters: int, kernel_size: int, name: str, strides: int = 1):
    return keras.layers.Conv2D(
        filters, kernel_size, strides, padding="same", activation="relu", name=name
    )(x)


def _residual(x, name: str):
    y = _conv(x, x.shape[-1], 3, f"{name}_a")
    y = _conv(y, x.shape[-1], 3, f"{name}_b")
    return keras.layers.Add(name=name)([x, y])


# === Functional models ===


def build_generator(config: Sun2018Config) -> keras.Model:
    """Build the generator.

    Inputs, a dict: "condition" float32 [N, R, R, 3] in -1..1, the patch with its face
    masked, and "keypoint_maps" float32 [N, R, R, 68], see `keypoint_maps`. Output:
    float32 [N, R, R, 3], linear, about -1..1. R is `config.resolution`.

    Args:
        config: width and resolution.

    Raises:
        ValueError: if the resolution is not a multiple of 16.

    Source: sun2018.md, section 3.
    """
    side = config.resolution
    _check_resolution(side)
    inputs = {
        CONDITION: keras.Input((side, side, 3), name=CONDITION),
        KEYPOINT_MAPS: keras.Input((side, side, NUM_KEYPOINTS), name=KEYPOINT_MAPS),
    }
    x = keras.layers.Concatenate(name="joined")(list(inputs.values()))
    x = _conv(x, config.width, 3, "head")
    skips = []
    for level in range(LEVELS):
        x = _residual(x, f"enc{level}")
        skips.append(x)
        if level < LEVELS - 1:
            x = _conv(x, config.width * (level + 2), 3, f"down{level}", strides=2)

    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(BOTTLENECK, name="fc_in")(x)
    low = side // 2 ** (LEVELS - 1)
    x = keras.layers.Dense(low * low * config.width, name="fc_out")(x)
    x = keras.layers.Reshape((low, low, config.width), name="spread")(x)

    for level in range(LEVELS):
        skip = skips[LEVELS - 1 - level]
        x = keras.layers.Concatenate(name=f"dec{level}_joined")([x, skip])
        x = _residual(x, f"dec{level}")
        if level < LEVELS - 1:
            # The published order is up, then convolution; for a kernel of one pixel
            # this one gives the same at a quarter of the work.
            x = _conv(x, config.width * (LEVELS - 1 - level), 1, f"up{level}")
            x = keras.layers.UpSampling2D(name=f"up{level}_enlarged")(x)
    image = keras.layers.Conv2D(
        3, 3, padding="same", name="out", dtype=_full_precision()
    )(x)
    return keras.Model(inputs, image, name="sun2018_generator")


def build_discriminator(config: Sun2018Config) -> keras.Model:
    """Build the discriminator: float32 [N, R, R, 3] in -1..1 to logits [N, 1].

    Its norms look at the whole batch: real and generated images go in together.

    Args:
        config: resolution; the width is scaled as the generator's.

    Raises:
        ValueError: if the resolution is not a multiple of 16.

    Source: sun2018.md, section 4.
    """
    side = config.resolution
    _check_resolution(side)
    width = DISCRIMINATOR_WIDTH * config.width // Sun2018Config().width
    # Uniform with standard deviation 0.02.
    start = keras.initializers.RandomUniform(-0.02 * 3**0.5, 0.02 * 3**0.5)
    image = x = keras.Input((side, side, 3), name="image")
    for number in range(1, 5):
        x = keras.layers.Conv2D(
            width * 2 ** (number - 1),
            5,
            2,
            padding="same",
            kernel_initializer=start,
            name=f"conv{number}",
        )(x)
        if number > 1:
            x = BatchStatisticsNorm(name=f"bn{number}")(x)
        x = LeakyReLU(0.2, name=f"conv{number}_relu")(x)
    x = keras.layers.Flatten(name="flat")(x)
    logit = keras.layers.Dense(
        1, kernel_initializer=start, name="fc", dtype=_full_precision()
    )(x)
    return keras.Model(image, logit, name="sun2018_discriminator")


def _check_resolution(side):
    step = 2 ** (LEVELS - 1)
    if side < step or side % step:
        raise ValueError(f"network.resolution must be a multiple of {step}; got {side}")
