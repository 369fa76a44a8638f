"""CIAGAN: generator, critic and identity network. Images are in 0..1 here.

Source: "CIAGAN: Conditional Identity Anonymization Generative Adversarial Networks"
(Maximov et al., CVPR 2020); the details are those of ciagan.md, sections 1 to 5.
"""

import keras
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan.norms import InstanceNorm, SyncBatchNorm
from safefakes_tf.anonymizers.ciagan.spectral import DOUBLE, HALVE, SpectralConv2D
from safefakes_tf.config import CiaganConfig
from safefakes_tf.ops.activations import LeakyReLU
from safefakes_tf.ops.enlarging import Double

LANDMARKS, FACE, IDENTITY, IMAGE = "landmarks", "face", "identity", "image"
ENCODER = (32, 64, 128, 256, 256)  # channels at 1/2 ... 1/32 of the side
DECODER = (256, 128, 64, 32, 16)  # at 1/16 ... 1; small networks lack the inner levels
IDENTITY_CHANNELS = 32
RESIDUAL_BLOCKS = 4
CRITIC = (64, 128, 256, 512, 512)
IDENTITY_STAGES = (64, 128, 256, 512)  # channels of the identity network
LOWEST = 4  # px, side of the smallest maps
RESOLUTIONS = (16, 32, 64, 128)


# === Layers ===


def _start(fan_in: int) -> dict:
    """Return initializers: uniform within 1 / sqrt(fan_in), biases too."""
    return {
        f"{part}_initializer": keras.initializers.RandomUniform(
            -(fan_in**-0.5), fan_in**-0.5
        )
        for part in ("kernel", "bias")
    }


def _dense(x, units: int, name: str):
    x = keras.layers.Dense(units, name=name, **_start(x.shape[-1]))(x)
    return LeakyReLU(0.2, name=f"{name}_relu")(x)


def _generator_conv(x, filters: int, kernel_size: int, name: str, **options):
    start = keras.initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal")
    shift = keras.initializers.Constant(0.01)
    return SpectralConv2D(filters, kernel_size, start, shift, name=name, **options)(x)


def _critic_conv(x, filters: int, kernel_size: int, name: str, **options):
    start = _start(kernel_size**2 * x.shape[-1])
    return SpectralConv2D(filters, kernel_size, **start, name=name, **options)(x)


def _instance_norm(x, name: str):
    return InstanceNorm(epsilon=1e-5, name=name)(x)


def _relu(x, name: str):
    return keras.layers.ReLU(name=name)(x)


def _halve(x, name: str):
    return keras.layers.AveragePooling2D(2, name=name)(x)


def _double(x, name: str):
    return Double(name=name)(x)


def _part_of_convolution(x, name: str):
    """Hold the place of a layer: checkpoints, and older ones, tell layers by number."""
    return keras.layers.Identity(name=name)(x)


def _down_block(x, filters: int, name: str, conv):
    y = conv(_relu(x, f"{name}_relu1"), filters, 3, f"{name}_r1")
    y = conv(_relu(y, f"{name}_relu2"), filters, 3, f"{name}_r2", resampling=HALVE)
    y = _part_of_convolution(y, f"{name}_r2_half")
    # Published as convolution, then mean: for a kernel of one pixel this order gives
    # the same at a quarter of the work. So does the shortcut of `_up_block`.
    short = conv(_halve(x, f"{name}_half"), filters, 1, f"{name}_l")
    return keras.layers.Add(name=name)([short, y])


def _up_block(x, filters: int, name: str):
    y = _relu(_instance_norm(x, f"{name}_norm1"), f"{name}_relu1")
    y = _part_of_convolution(y, f"{name}_double")
    y = _generator_conv(y, filters, 3, f"{name}_r1", resampling=DOUBLE)
    y = _relu(_instance_norm(y, f"{name}_norm2"), f"{name}_relu2")
    y = _generator_conv(y, filters, 3, f"{name}_r2")
    short = _double(_generator_conv(x, filters, 1, f"{name}_l"), f"{name}_l_double")
    return keras.layers.Add(name=name)([short, y])


def _residual_block(x, name: str):
    channels = x.shape[-1]
    y = _instance_norm(_generator_conv(x, channels, 3, f"{name}_1"), f"{name}_norm1")
    y = _generator_conv(_relu(y, f"{name}_relu"), channels, 3, f"{name}_2")
    return keras.layers.Add(name=name)([x, _instance_norm(y, f"{name}_norm2")])


def _identity_maps(identity, config: CiaganConfig):
    """Turn a one-hot identity into maps [N, 4, 4, 256]."""
    narrow, wide = _width(config, 256), _width(config, IDENTITY_CHANNELS) * LOWEST**2
    x = identity
    for number, units in enumerate([narrow] * 4 + [wide] * 3):
        x = _dense(x, units, f"identity_{number}")
    x = keras.layers.Reshape((-1, LOWEST, LOWEST), name="identity_planes")(x)
    x = keras.layers.Permute((2, 3, 1), name="identity_maps")(x)
    for number, channels in enumerate((64, 128, 256)):
        name = f"identity_conv_{number}"
        x = _generator_conv(x, _width(config, channels), 3, name)
        x = LeakyReLU(0.2, name=f"{name}_relu")(x)
        x = _instance_norm(x, f"{name}_norm")
    return x


# === Functional models ===


def build_generator(config: CiaganConfig) -> keras.Model:
    """Build the generator.

    Inputs, a dict: "landmarks" float32 [N, R, R, 3] in 0..1, the drawing; "face"
    float32 [N, R, R, 3] in 0..1, zero where it is masked; "identity" float32
    [N, num_identities], one-hot. Output: float32 [N, R, R, 3], linear, about 0..1. R is
    `config.resolution`.

    Args:
        config: width, resolution, number of identities.

    Raises:
        ValueError: if the resolution is none of `RESOLUTIONS`.

    Source: ciagan.md, section 3.
    """
    side = config.resolution
    if side not in RESOLUTIONS:
        raise ValueError(f"network.resolution must be one of {RESOLUTIONS}; got {side}")
    levels = (side // LOWEST).bit_length() - 1
    inputs = {
        LANDMARKS: keras.Input((side, side, 3), name=LANDMARKS),
        FACE: keras.Input((side, side, 3), name=FACE),
        IDENTITY: keras.Input((config.num_identities,), name=IDENTITY),
    }
    x = keras.layers.Concatenate(name="joined")([inputs[LANDMARKS], inputs[FACE]])
    for level, channels in enumerate(ENCODER[:levels]):
        name = f"encoder_{level}"
        x = _down_block(x, _width(config, channels), name, _generator_conv)
        x = _instance_norm(x, f"{name}_norm")
    bottom = x.shape[-1]
    maps = _identity_maps(inputs[IDENTITY], config)
    x = keras.layers.Concatenate(name="face_and_identity")([x, maps])
    x = _generator_conv(x, bottom, 3, "fuse")
    x = _instance_norm(x, "fuse_norm")
    for number in range(1, RESIDUAL_BLOCKS + 1):
        x = _residual_block(x, f"residual_{number}")
    for level, channels in zip(reversed(range(levels)), DECODER[-levels:], strict=True):
        x = _up_block(x, _width(config, channels), f"decoder_{level}")
        x = _instance_norm(x, f"decoder_{level}_norm")
    image = keras.layers.Conv2D(
        3,
        3,
        padding="same",
        kernel_initializer="glorot_normal",
        bias_initializer=keras.initializers.Constant(0.01),
        name="image",
        dtype=_weights_dtype(),
    )(x)
    return keras.Model(inputs, image, name="ciagan_generator")


def copy_first_identities(source: keras.Model, target: keras.Model) -> None:
    """Give a generator the weights of another, which knows as many identities or more.

    Args:
        source, target: as `build_generator` makes them, but for `num_identities` alike.
    """
    for old, new in zip(source.weights, target.weights, strict=True):
        # The first layer has a row for each.
        new.assign(old if old.shape == new.shape else old[: new.shape[0]])


def build_critic(config: CiaganConfig) -> keras.Model:
    """Build the critic: {"image", "landmarks"}, float32 [N, R, R, 3], to scores [N, 1].

    The score leaves through a leaky ReLU, as the published one does.

    Source: ciagan.md, section 4.
    """
    side = config.resolution
    inputs = {
        IMAGE: keras.Input((side, side, 3), name=IMAGE),
        LANDMARKS: keras.Input((side, side, 3), name=LANDMARKS),
    }
    x = keras.layers.Concatenate(name="joined")(list(inputs.values()))
    for number, channels in enumerate(CRITIC, start=1):
        if x.shape[1] > LOWEST:
            name = f"block_{number}"
            x = _down_block(x, _judges_width(config, channels), name, _critic_conv)
    x = keras.layers.Permute((3, 1, 2), name="planes")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = _dense(x, _judges_width(config, 1024), "dense_0")
    score = _dense(x, 1, "dense_1")
    return keras.Model(inputs, score, name="ciagan_critic")


def build_identity_network(config: CiaganConfig) -> keras.Model:
    """Build the identity network: float32 [N, R, R, 3] to [N, num_identities].

    A narrow ResNet-18 without early pooling. The outputs are used as an embedding.

    Source: ciagan.md, section 5.
    """
    image = keras.Input((config.resolution, config.resolution, 3), name=IMAGE)
    x = _residual_conv(image, _judges_width(config, 64), 3, 1, "stem")
    x = _relu(x, "stem_relu")
    for stage, channels in enumerate(IDENTITY_STAGES, start=1):
        for block in (1, 2):
            stride = 2 if stage > 1 and block == 1 else 1
            name = f"stage_{stage}_{block}"
            x = _basic_block(x, _judges_width(config, channels), stride, name)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    start = _start(x.shape[-1])
    x = keras.layers.Dense(_judges_width(config, 1024), name="linear_1", **start)(x)
    x = _relu(x, "linear_1_relu")
    embedding = keras.layers.Dense(
        config.num_identities,
        name="linear_2",
        dtype=_weights_dtype(),
        **_start(x.shape[-1]),
    )(x)
    return keras.Model(image, embedding, name="ciagan_identity_network")


def _residual_conv(x, filters, kernel_size, stride, name):
    """Convolve, padding the same on all sides, and norm over the whole batch."""
    padding = "same" if stride == 1 else "valid"  # "same" is lopsided with a stride
    if padding == "valid":
        x = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    elif kernel_size > 1:
        x = _part_of_convolution(x, f"{name}_pad")
    start = _start(kernel_size**2 * x.shape[-1])["kernel_initializer"]
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        stride,
        padding,
        use_bias=False,
        kernel_initializer=start,
        name=name,
    )(x)
    return SyncBatchNorm(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)


def _basic_block(x, filters, stride, name):
    y = _relu(_residual_conv(x, filters, 3, stride, f"{name}_a"), f"{name}_a_relu")
    y = _residual_conv(y, filters, 3, 1, f"{name}_b")
    if stride > 1 or x.shape[-1] != filters:
        # Published as one convolution with a stride, of which oneDNN's gradient writes
        # beyond its memory where channels are few (TensorFlow 2.21).
        x = keras.layers.MaxPooling2D(1, stride, name=f"{name}_short_pick")(x)
        x = _residual_conv(x, filters, 1, 1, f"{name}_short")
    return _relu(keras.layers.Add(name=f"{name}_sum")([x, y]), name)


def composite(generated: tf.Tensor, face: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return the generated pixels under the mask (one) and the face's around it."""
    return generated * mask + face * (1 - mask)


def _weights_dtype():
    """Return what a last layer computes in, however short the numbers before it are."""
    return keras.config.dtype_policy().variable_dtype


def _width(config, channels):
    return max(1, round(channels * config.width_multiplier))


def _judges_width(config, channels):
    return max(1, round(channels * config.discriminator_width_multiplier))
