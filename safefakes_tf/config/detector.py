"""The detector: its network, its loss and what it learns from."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """DSFD with a VGG-16 backbone. Source: dsfd.md, sections 3 to 5."""

    input_size: int = 640  # side of the square training input, px
    width_multiplier: float = 1.0  # of every channel count; 1.0: as published
    upsampling: str = "align_corners"  # or "half_pixel" (dsfd.md, section 4.4)
    anchor_ratio: float = 1.0  # height / width
    channel_order: str = "rgb"  # or "bgr" (dsfd.md, section 3)
    pixel_scale: float = 1.0  # of centred pixels; 1/64 where all weights start random


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Training crops. Source: dsfd.md, section 9.2."""

    anchor_sampling_probability: float = 0.5  # the paper has 0.4
    min_face_area: float = 36.0  # px² at network scale; smaller faces are dropped


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Matching and hard negative mining. Source: dsfd.md, sections 7 and 8."""

    match_threshold: float = 0.35  # overlap (IoU) of an anchor with a face
    negatives_per_positive: int = 3  # anchors without a face that count


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """SGD with momentum and stepwise decay. Source: dsfd.md, section 10."""

    kind: str = "sgd"  # or "adam", which gets somewhere in minutes from random weights
    learning_rate: float = 2.5e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay_steps: tuple[int, ...] = (40_000, 50_000)  # the rate falls tenfold at each
    warmup_steps: int = 0  # in which the learning rate rises
    clip_norm: float | None = None  # of the global gradient; None: no clipping
    # What a step leaves of the moving average of the weights, which is the detector in
    # the end; None: the last weights are.
    ema: float | None = None
