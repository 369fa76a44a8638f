"""The modes: what each one reads, and where it runs.

The settings of a mode are one frozen dataclass. A work folder is claimed, compared and
resumed by them, and by nothing else. Fields of the same name mean the same everywhere,
so that the settings of one mode serve another as far as they go; see `adapt`.
"""

import dataclasses
import types
from typing import Any, Literal, NamedTuple

from safefakes_tf.config import names
from safefakes_tf.config.data import (
    STRICT,
    AnonymizerName,
    DataConfig,
    DatasetConfig,
    OwnPhotosConfig,
    SomeAnonymizers,
    strict,
)
from safefakes_tf.config.detector import (
    ApConfig,
    AugmentationConfig,
    DetectionConfig,
    DetectorConfig,
    InferenceConfig,
    LossConfig,
    OptimizerConfig,
)
from safefakes_tf.config.generators import GanConfig
from safefakes_tf.config.loop import LoopConfig
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.config.values import Positive, Seed


def _flag(default=None, needed=True):
    """Return a field that is given by a flag, and that no result depends on."""
    metadata = {"flag": True, "needed": needed}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class _Photos:
    """The photos of a data set, anonymized."""

    data: DataConfig = DataConfig()
    seed: Seed = 0  # of all but the photos of synthetic_crowd


@dataclasses.dataclass(frozen=True)
class _Runner:
    """Who makes records from photos."""

    # "beam": workers of Apache Beam
    runner: Literal["local", "beam"] = _flag("local", needed=False)
    # Flags of Beam, as in a shell; none: processes on this machine.
    beam_options: str = _flag("", needed=False)


@dataclasses.dataclass(frozen=True)
class BuildDataset(_Photos, _Runner):
    """Prepare a data set, its photos anonymized."""

    # "folder": written to --output, too, in the layout that they came from, or as COCO.
    format: Literal["records", "folder"] = "records"
    output: str | None = None  # folder to make


@dataclasses.dataclass(frozen=True)
class TrainAnonymizer(_Runner):
    """Train the generator of an anonymizer on unaltered photos."""

    data: DataConfig = DataConfig()
    # Of the generator that data.anonymizer names, and of its class; see `names`. Those
    # of another generator give way to the defaults.
    network: types.NoneType = None
    gan: GanConfig = GanConfig()
    # Faces are cut out of the photos each time, or once, and then read one by one.
    crops: Literal["on_the_fly", "stored"] = "on_the_fly"
    loop: LoopConfig = LoopConfig()
    devices: str = "auto"  # "cpu", "cpu:2", "gpu", "gpu:4" or "multi_worker"
    seed: Seed = 0  # of all but the photos of synthetic_crowd

    def __post_init__(self):
        kind = names.network(self.data.anonymizer)
        if type(self.network) is not kind:
            object.__setattr__(self, "network", kind() if kind else None)


@dataclasses.dataclass(frozen=True)
class TrainDetector:
    """Train a face detector on a data set behind an anonymizer."""

    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    model: DetectorConfig = DetectorConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loop: LoopConfig = LoopConfig()
    inference: InferenceConfig = InferenceConfig()  # of image summaries, and afterwards
    devices: str = "auto"  # "cpu", "cpu:2", "gpu", "gpu:4" or "multi_worker"
    init_weights: str | None = None  # file to start from; None: ImageNet if it is there
    seed: Seed = 0  # of all but the photos of synthetic_crowd


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measure a detector's average precision on unaltered photos."""

    data: DataConfig = DataConfig()
    model: DetectorConfig = DetectorConfig()
    inference: InferenceConfig = InferenceConfig()
    init_weights: str | None = _flag()  # of the detector; None: of the work folder


@dataclasses.dataclass(frozen=True)
class EvaluatePredictions:
    """Do the same for a folder of prediction files."""

    inference: ApConfig = ApConfig()
    predictions: str | None = _flag()  # folder of <event>/<photo>.txt
    ground_truth: str | None = _flag()  # folder of the WIDER FACE .mat files


@dataclasses.dataclass(frozen=True)
class Preview(_Photos):
    """Draw faces behind every anonymizer, side by side."""

    study_anonymizers: tuple[AnonymizerName, ...] = names.filters()  # a column each


@dataclasses.dataclass(frozen=True)
class Export(Evaluate):
    """Write an anonymizer, and a detector, as SavedModels."""

    data: DataConfig = DataConfig(anonymization=STRICT)
    seed: Seed = 0  # of all but the photos of synthetic_crowd


@dataclasses.dataclass(frozen=True)
class Study(TrainDetector):
    """Train and evaluate one detector per anonymizer, and compare them."""

    study_anonymizers: SomeAnonymizers = names.filters()  # a detector behind each
    similarity: SimilarityConfig = SimilarityConfig()  # of the training photos


@dataclasses.dataclass(frozen=True)
class Similarity(_Photos):
    """Compare anonymized faces with the original ones by image metrics."""

    study_anonymizers: SomeAnonymizers = names.filters()  # a row each
    similarity: SimilarityConfig = SimilarityConfig()


@dataclasses.dataclass(frozen=True)
class Correlate:
    """Correlate the image metrics of studies with their mAP."""

    tables: tuple[str, ...] = ()  # files study.csv of studies that computed metrics


@dataclasses.dataclass(frozen=True)
class ImportWeights:
    """Convert published weights."""

    data: DatasetConfig = DatasetConfig()  # on which a detector will be evaluated
    model: DetectorConfig = DetectorConfig()  # of a detector; a generator's file tells
    network_name: str | None = _flag()  # dsfd, or a generator that was published
    source: str | None = _flag()  # checkpoint of the published code, or an .npz
    # 10**9 bytes that its arrays may take; default: 4.
    max_gb: Positive = _flag(4.0, needed=False)


@dataclasses.dataclass(frozen=True)
class Anonymize:
    """Anonymize a folder of photos, whose faces are annotated or found."""

    data: OwnPhotosConfig = OwnPhotosConfig()
    seed: Seed = 0  # of the generator
    input: str | None = _flag()  # folder of photos; a photo alone if faces are found
    # Boxes on them, a file or a folder of files. None: faces are found.
    annotations: str | None = _flag(needed=False)
    output: str | None = _flag()  # folder to make for the anonymized photos
    max_megapixels: Positive = 300.0  # of a photo; larger ones are refused
    skip_unreadable: bool = False  # go on without photos that do not decode
    detection: DetectionConfig = DetectionConfig()  # of faces that nobody annotated


class Mode(NamedTuple):
    """All that a mode reads, as a dataclass, and flags that make a command with it."""

    settings: type
    example: str

    @property
    def summary(self) -> str:
        """What the mode does, in a few words."""
        return self.settings.__doc__.removesuffix(".")


# As a mode is called, so is the module of its run.
MODES = {
    "build_dataset": Mode(BuildDataset, "--anonymizer=blur --dataset=synthetic_crowd"),
    "train_anonymizer": Mode(TrainAnonymizer, "--config=demo_deepprivacy"),
    "train_detector": Mode(TrainDetector, "--anonymizer=blur --dataset=widerface"),
    "evaluate": Mode(Evaluate, "--anonymizer=blur --dataset=widerface"),
    "evaluate_predictions": Mode(
        EvaluatePredictions, "--predictions=DIR --ground_truth=DIR"
    ),
    "preview": Mode(Preview, "--config=demo_all"),
    "export": Mode(Export, "--anonymizer=blur"),
    "study": Mode(Study, "--config=quickstart"),
    "similarity": Mode(Similarity, "--config=demo_all"),
    "correlate": Mode(Correlate, "--set=tables=results/study-quickstart/study.csv"),
    "import_weights": Mode(ImportWeights, "--model=dsfd --source=FILE"),
    "anonymize": Mode(Anonymize, "--anonymizer=blackout --input=DIR --output=DIR"),
}


# Others get to see what these make; see `adapt`.
PUBLISHING = ("export", "anonymize")


def name_of(settings: Any) -> str:
    """Return the name of the mode that settings are of."""
    return next(name for name, row in MODES.items() if row.settings is type(settings))


def flag_fields(settings: Any, needed: bool = False) -> tuple[str, ...]:
    """Return the fields that no result depends on, given by flags of their own.

    Args:
        settings: of a mode, or their class.
        needed: whether to leave out those that a command may lack.
    """
    return tuple(
        field.name
        for field in dataclasses.fields(settings)
        if field.metadata.get("flag") and (field.metadata["needed"] or not needed)
    )


def adapt(settings: Any, mode: str) -> Any:
    """Return the settings of a mode with the values of another where both have a field.

    But for those that say where something lies: a detector starts from one file of
    weights, and another is evaluated. And for which faces are kept, and how strong a
    filter is: `PUBLISHING` modes are strict unless the user says otherwise.
    """
    fitted = _fit(settings, MODES[mode].settings)
    if mode in PUBLISHING:
        return dataclasses.replace(fitted, data=strict(fitted.data))
    return fitted


def _fit(settings, kind):
    if type(settings) is kind:
        return settings
    values = {}
    for field in dataclasses.fields(kind):
        if field.metadata.get("flag"):
            continue
        value = getattr(settings, field.name, field.default)
        nested = dataclasses.is_dataclass(field.default)
        values[field.name] = _fit(value, type(field.default)) if nested else value
    return kind(**values)
