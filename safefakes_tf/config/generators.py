"""The networks of the generators, and how they are trained."""

import dataclasses
from typing import Annotated, Literal

from safefakes_tf.config.values import Count, Positive, Range

# Limits of networks that memory holds: what a file tells need not be true.
Size = Channels = Annotated[int, Range(1, 1024)]
Grey = Annotated[int, Range(0, 255)]
Multiplier = Annotated[float, Range(1 / 64, 4)]


@dataclasses.dataclass(frozen=True)
class Sun2018Config:
    """Networks of Sun2018. Source: sun2018.md, sections 3 and 4."""

    width: Channels = 64  # channels of the first level
    resolution: Size = 128  # side of a patch, px; a multiple of 16
    fill: Grey = 0  # grey level that hides a face; a network knows only its own


@dataclasses.dataclass(frozen=True)
class DeepPrivacyConfig:
    """Networks of DeepPrivacy. Source: deepprivacy.md, sections 1 to 3."""

    channels: Channels = 512  # at the lowest resolution; 512 "large", 256 "default"
    resolution: Size = 128  # side of a patch, px; 8 times a power of two
    fill: Grey = 128  # grey level that hides a face; a network knows only its own


@dataclasses.dataclass(frozen=True)
class CiaganConfig:
    """Networks of CIAGAN. Source: ciagan.md, sections 3 to 5."""

    width_multiplier: Multiplier = 1.0  # of the generator's channel counts
    resolution: Size = 128  # side of a patch, px; 16, 32, 64 or 128
    num_identities: Annotated[int, Range(1, 10**6)] = 1200  # that it tells apart
    discriminator_width_multiplier: Multiplier = 1.0  # of critic and identity network
    jpeg_landmark_maps: bool = False  # published weights know maps blurred by JPEG
    # px of a frame of 144, of training crops; 36: up to its border; published: 18
    random_crop: Annotated[int, Range(0, 36)] = 28


@dataclasses.dataclass(frozen=True)
class GanConfig:
    """Training of a generator against its discriminator, both by Adam."""

    total_images: Count = 40_000_000  # shown; steps times the global batch size
    # In which DeepPrivacy grows by a resolution; 0: no growing.
    phase_images: Annotated[int, Range(0)] = 0
    generator_learning_rate: Positive = 1.5e-3
    discriminator_learning_rate: Positive = 1.5e-3
    # Not from faces that lack some of the method's keypoints; CIAGAN never does.
    only_with_keypoints: bool = False
    generator_steps: Count = 3  # of CIAGAN, per one of each discriminator
    # Of CIAGAN's identity loss, beside the adversarial.
    identity_weight: Annotated[float, Range(0)] = 1.0
    # Of what the discriminator sees, for small data sets.
    augmentation: tuple[Literal["colour", "translation", "cutout"], ...] = ()
    demonstration: bool = False  # marks weights that are there to be looked at only
