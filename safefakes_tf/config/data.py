"""Which photos, behind which anonymizer."""

import dataclasses
import pathlib
from typing import Annotated, Literal

from safefakes_tf.config import names
from safefakes_tf.config.values import Choice, Count, Odd, Range, Seed

DEMONSTRATION = pathlib.Path(__file__).parents[1] / "demonstration"  # generators
AnonymizerName = Annotated[str, Choice(names.anonymizers)]
_Side = Annotated[int, Range(32)]  # a stride of the detector


@dataclasses.dataclass(frozen=True)
class CrowdConfig:
    """What `synthetic_crowd` composes. Sizes in pixels of the finished scene."""

    num_train: Count = 2000  # photos
    num_validation: Count = 400  # photos
    width: _Side = 640  # of a photo, px
    height: _Side = 480  # of a photo, px
    min_face: Annotated[float, Range(1)] = 8.0  # px
    max_face: float = 200.0  # px; at least min_face
    max_people: Count = 15  # on a photo
    seed: Seed = 0  # of the photos


@dataclasses.dataclass(frozen=True)
class AnonymizationConfig:
    """Policy per face, filters, generators' weights. Source: conventional.md."""

    min_width: int = 10  # faces narrower than this, in pixels, are kept; 0: none is
    # Of filters: fixed kernels and cells, or such as grow with the face.
    strength: Literal["study", "face"] = "study"
    # Odd; sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8; of strength=study.
    blur_kernel: Odd = 51
    fullblur_kernel: Odd = 9  # odd
    # Along each side of a face; with strength=face along its longer side, at most 4.
    pixelate_cells: int = 8
    weights: str | None = None  # file of a generator, from --mode=import_weights
    hide_neighbours: bool = True  # from generators; the published programmes did not
    # "square" or "box"; None: as the method was published.
    paste: Literal["square", "box"] | None = None


# For photos that others get to see.
STRICT = AnonymizationConfig(min_width=0, strength="face")


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
    """The part of `DataConfig` that says where unaltered photos lie."""

    dataset: Annotated[str, Choice(lambda: names.DATASETS)] = "synthetic_crowd"
    data_dir: str | None = None  # prepared datasets; None: TFDS' own default
    manual_dir: str | None = None  # raw photos and annotations


@dataclasses.dataclass(frozen=True)
class AnonymizedConfig:
    """The part of `DataConfig` that says what happens to photos, wherever they lie."""

    anonymizer: AnonymizerName = "original"
    anonymization: AnonymizationConfig = STRICT
    # Folder of MediaPipe's .task files; None: cache folder, then the installed wheel.
    keypoint_models: str | None = None
    jpeg_quality: Annotated[int, Range(1, 100)] = 95  # 1 to 100


@dataclasses.dataclass(frozen=True)
class OwnPhotosConfig(AnonymizedConfig):
    """What happens to a folder of the user's photos, and how they are annotated."""

    category: tuple[str, ...] = ()  # of the boxes that count, where there are several
    # "pixels", "relative" or "percent", of the boxes; None: as their format has them.
    box_units: Literal["pixels", "relative", "percent"] | None = None


@dataclasses.dataclass(frozen=True)
class DataConfig(AnonymizedConfig, DatasetConfig):
    """Which photos, behind which anonymizer, and where they lie."""

    anonymization: AnonymizationConfig = AnonymizationConfig()
    # "on_the_fly": in the input pipeline, nothing stored.
    anonymize: Literal["stored", "on_the_fly"] = "stored"
    crowd: CrowdConfig = CrowdConfig()
    allow_partial: bool = False  # accept fewer photos than the annotations list
    image_format: Literal["jpeg", "png"] = "jpeg"  # of stored anonymized photos


def demonstration_weights(data: DataConfig) -> str | None:
    """Return the file of the project's own weights of a generator if they serve.

    They know no real face, so they do on computer-made crowds.
    """
    path = DEMONSTRATION / f"{data.anonymizer}.npz"
    fitting = data.dataset == "synthetic_crowd" and names.network(data.anonymizer)
    return str(path) if fitting and path.is_file() else None


def with_demonstration_weights(data: DataConfig) -> DataConfig:
    """Return `data` with `demonstration_weights` if no others are named."""
    weights = data.anonymization.weights or demonstration_weights(data)
    anonymization = dataclasses.replace(data.anonymization, weights=weights)
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


def strict(data: OwnPhotosConfig) -> OwnPhotosConfig:
    """Return `data` with no face kept, and with filters that grow with the face."""
    anonymization = dataclasses.replace(
        data.anonymization, min_width=STRICT.min_width, strength=STRICT.strength
    )
    return dataclasses.replace(data, anonymization=anonymization)
