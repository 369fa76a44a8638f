"""Detectors: DSFD's network, what it learns from, and how photos are looked at."""

import dataclasses
from typing import Annotated, Literal

from safefakes_tf.config import names
from safefakes_tf.config.values import Choice, Positive, Range, Rule, Share

_Part = Annotated[float, Range(0, 1)]
_Overlap = Annotated[float, Rule("above 0, and 1 at most", lambda x: 0 < x <= 1)]
_Momentum = Annotated[float, Rule("at least 0 and below 1", lambda x: 0 <= x < 1)]
_Detector = Annotated[str, Choice(lambda: names.DETECTORS)]
_Steps = Annotated[int, Range(0)]
_Boxes = Annotated[int, Range(1, 10**6)]  # TensorFlow counts them in 32 bits


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """DSFD with a VGG-16 backbone. Source: dsfd.md, sections 3 to 5."""

    input_size: Annotated[int, Range(64)] = 640  # side of the square training input, px
    # Of every channel count; 1.0: as published.
    width_multiplier: Annotated[float, Range(1 / 64, 4)] = 1.0
    # How a coarse map of features is enlarged; see dsfd.md, section 4.4.
    upsampling: Literal["align_corners", "half_pixel"] = "align_corners"
    anchor_ratio: Positive = 1.0  # height / width
    channel_order: Literal["rgb", "bgr"] = "rgb"  # see dsfd.md, section 3
    # Of centred pixels; 1/64 where all weights start random.
    pixel_scale: Positive = 1.0


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Training crops. Source: dsfd.md, section 9.2."""

    anchor_sampling_probability: _Part = 0.5  # the paper has 0.4
    # px² at network scale; smaller faces are dropped.
    min_face_area: Annotated[float, Range(0)] = 36.0


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Matching and hard negative mining. Source: dsfd.md, sections 7 and 8."""

    match_threshold: _Overlap = 0.35  # overlap (IoU) of an anchor with a face
    # Anchors without a face that count.
    negatives_per_positive: Annotated[int, Range(1, 1000)] = 3


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """SGD with momentum and stepwise decay. Source: dsfd.md, section 10."""

    # "adam" gets somewhere in minutes from random weights.
    kind: Literal["sgd", "adam"] = "sgd"
    learning_rate: Positive = 2.5e-4
    momentum: _Momentum = 0.9
    weight_decay: Annotated[float, Range(0)] = 5e-4
    decay_steps: tuple[_Steps, ...] = (40_000, 50_000)  # the rate falls tenfold at each
    warmup_steps: _Steps = 0  # in which the learning rate rises
    clip_norm: Positive | None = None  # of the global gradient; None: no clipping
    # What a step leaves of the moving average of the weights, which is the detector in
    # the end; None: the last weights are.
    ema: Share | None = None


@dataclasses.dataclass(frozen=True)
class ApConfig:
    """The part of `InferenceConfig` that matters for stored predictions."""

    # See wider_eval.md, section 6.
    ap_arithmetic: Literal["python", "matlab"] = "python"


@dataclasses.dataclass(frozen=True)
class InferenceConfig(ApConfig):
    """Detection on whole photos. Source: dsfd.md, section 11."""

    multi_scale: bool = True  # four or more passes and box voting, else one pass
    scale: Positive = 1.0  # resize factor of the one pass when multi_scale is off
    score_threshold: _Part = 0.05  # detections below are dropped
    nms_iou: _Overlap = 0.3  # overlap from which the weaker detection is dropped
    max_candidates: _Boxes = 5000  # before that
    max_detections: _Boxes = 750  # after it


@dataclasses.dataclass(frozen=True)
class DetectionConfig:
    """How faces are found on photos that nobody annotated."""

    # What finds faces where there are no annotations.
    detector: _Detector = "centerface"
    weights: str | None = None  # file of the detector, where it needs one: dsfd
    # Score from which a detection is a face; None: that of the detector.
    threshold: Share | None = None
    certain: Share = 0.5  # score below which it is listed as uncertain
    # Share of its width and height by which a box grows on each side.
    margin: _Part = 0.15
