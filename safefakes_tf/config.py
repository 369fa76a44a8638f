"""Settings of a run: frozen dataclasses, the names a user types, and overrides.

Nothing here imports TensorFlow, so a typing mistake is answered at once.
"""

import dataclasses
import difflib
import json
import types
import typing

MODES = ("build_dataset", "train_detector", "evaluate", "preview", "export", "study")
DATASET_NAMES = ("synthetic_crowd", "widerface")
ANONYMIZER_NAMES = ("original", "blackout", "blur", "fullblur", "pixelate")


@dataclasses.dataclass(frozen=True)
class CrowdConfig:
    """What `synthetic_crowd` composes. Sizes in pixels of the finished scene."""

    num_train: int = 2000
    num_validation: int = 400
    width: int = 640
    height: int = 480
    min_face: float = 8.0
    max_face: float = 200.0
    max_people: int = 15
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class AnonymizationConfig:
    """Filters and policy of the conventional anonymizers. Source: conventional.md."""

    min_width: int = 10  # faces narrower than this, in pixels, are kept; 0: none is
    blur_kernel: int = 51  # odd; sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    fullblur_kernel: int = 9
    pixelate_cells: int = 8


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which photos, behind which anonymizer, and where they lie."""

    dataset: str = "widerface"
    anonymizer: str = "original"
    anonymize: str = "stored"  # or "on_the_fly": in the input pipeline, nothing stored
    anonymization: AnonymizationConfig = AnonymizationConfig()
    crowd: CrowdConfig = CrowdConfig()
    data_dir: str | None = None  # prepared datasets; None: TFDS' own default
    manual_dir: str | None = None  # raw photos and annotations
    allow_partial: bool = False  # accept fewer photos than the annotations list
    image_format: str = "jpeg"  # or "png"; of stored anonymized photos
    jpeg_quality: int = 95


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Training crops. Source: dsfd.md, section 9.2."""

    anchor_sampling_probability: float = 0.5  # the paper has 0.4
    min_face_area: float = 36.0  # px² at network scale; smaller faces are dropped


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """DSFD with a VGG-16 backbone. Source: dsfd.md, sections 3 to 5."""

    input_size: int = 640  # side of the square training input, px
    width_multiplier: float = 1.0  # of every channel count; 1.0 is the published network
    upsampling: str = "align_corners"  # or "half_pixel" (dsfd.md, section 4.4)
    anchor_ratio: float = 1.0  # height / width
    channel_order: str = "rgb"  # or "bgr" (dsfd.md, section 3)


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Matching and hard negative mining. Source: dsfd.md, sections 7 and 8."""

    match_threshold: float = 0.35
    negatives_per_positive: int = 3


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """SGD with momentum and stepwise decay. Source: dsfd.md, section 10."""

    learning_rate: float = 2.5e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay_steps: tuple[int, ...] = (40_000, 50_000)  # the rate falls tenfold at each
    warmup_steps: int = 0
    clip_norm: float | None = None  # of the global gradient; None: no clipping


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length and rhythm of a training run."""

    total_steps: int = 60_000
    global_batch_size: int = 4
    log_every: int = 50
    checkpoint_every: int = 5_000
    pictures_every: int = 5_000
    mixed_precision: str = "float32"  # or "mixed_bfloat16", "mixed_float16"


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """Detection on whole photos. Source: dsfd.md, section 11."""

    multi_scale: bool = True  # four or more passes and box voting, else one pass
    scale: float = 1.0  # resize factor of the one pass when multi_scale is off
    score_threshold: float = 0.05
    nms_iou: float = 0.3
    max_candidates: int = 5000
    max_detections: int = 750


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything a run depends on; written to `config.json` in its work folder."""

    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    model: DetectorConfig = DetectorConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loop: LoopConfig = LoopConfig()
    inference: InferenceConfig = InferenceConfig()
    study_anonymizers: tuple[str, ...] = ANONYMIZER_NAMES
    devices: str = "auto"  # "cpu", "cpu:2", "gpu", "gpu:4" or "multi_worker"
    init_weights: str | None = None  # file to start from; None: ImageNet if it is there
    seed: int = 0


def to_json(config: typing.Any) -> str:
    """Return a dataclass as indented JSON, keys in the order of its fields."""
    return json.dumps(dataclasses.asdict(config), indent=2)
