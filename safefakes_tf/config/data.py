"""Which photos, behind which anonymizer."""

import dataclasses
import pathlib
from typing import Annotated, Literal

from safefakes_tf.config import names
from safefakes_tf.config.detector import DetectionConfig
from safefakes_tf.config.values import Choice, Count, Odd, Range, Rule, Seed

AnonymizerName = Annotated[str, Choice(names.anonymizers)]
SomeAnonymizers = Annotated[
    tuple[AnonymizerName, ...],
    Rule("one name or more, each once", lambda x: len(x) == len(set(x)) > 0),
]
_Dataset = Annotated[str, Choice(lambda: names.DATASETS)]
_Side = Annotated[int, Range(32)]  # a stride of the detector
FDF_SIDES = (4, 8, 16, 32, 64, 128)
_FdfSide = Annotated[
    int, Rule(f"one of {', '.join(map(str, FDF_SIDES))}", lambda x: x in FDF_SIDES)
]
_First = Annotated[
    float,
    Rule("above 0, and whole if it is above 1", lambda x: 0 < x <= 1 or x % 1 == 0 < x),
]


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
class BoxFilesConfig:
    """How annotations of the user's photos are read."""

    category: tuple[str, ...] = ()  # of the boxes that count, where there are several
    # "pixels", "relative" or "percent", of the boxes; None: as their format has them.
    box_units: Literal["pixels", "relative", "percent"] | None = None


@dataclasses.dataclass(frozen=True)
class OwnFacesConfig(BoxFilesConfig):
    """How `own_faces` takes a folder of photos. Files are looked for there first."""

    # Of `own_faces`: boxes, a file or a folder of files; None: faces are searched.
    annotations: str | None = None
    detection: DetectionConfig = DetectionConfig()  # how they are searched then
    # Whether each photo lies in a folder named after whose face is the largest on it.
    identity_folders: bool = False
    validation_list: str | None = None  # text with a line per photo of the validation
    # Else folders train/ and validation/ count, and without them this share of photos.
    validation_share: Annotated[float, Range(0, 1)] = 0.2

    def without_folders(self) -> "OwnFacesConfig":
        """Return the same with the names of files alone."""
        files = {
            name: path and pathlib.PurePath(path).name
            for name in ("annotations", "validation_list")
            for path in [getattr(self, name)]
        }
        weights = self.detection.weights
        detection = dataclasses.replace(
            self.detection, weights=weights and pathlib.PurePath(weights).name
        )
        return dataclasses.replace(self, **files, detection=detection)


@dataclasses.dataclass(frozen=True)
class PipaConfig:
    """Which photos of `pipa` are for training. `label` goes into a data set's name."""

    join_validation: bool = False  # the study trained on the validation photos, too

    @property
    def label(self) -> str:
        return "train_and_validation" * self.join_validation


@dataclasses.dataclass(frozen=True)
class FdfConfig:
    """Which images `fdf` has. `label` goes into a data set's name."""

    size: _FdfSide = 128  # px of a side; FDF has 4, 8, 16, 32, 64 and 128
    first: _First = 1.0  # training images: their share, or if above 1 their number

    @property
    def label(self) -> str:
        first = int(self.first) if self.first > 1 else self.first
        parts = {f"{self.size}px": self.size != 128, f"first_{first}": self.first != 1}
        return "-".join(part for part, named in parts.items() if named)


@dataclasses.dataclass(frozen=True)
class CelebaConfig:
    """Which photos `celeba` has. `label` goes into a data set's name."""

    aligned: bool = False  # 178 x 218 px around the eyes; else the whole photos
    # Training photos are of so many people, those with the most; of equals, the first
    # by number. 0: of all. CIAGAN's 1,200 were not published.
    identities: Annotated[int, Range(0)] = 0

    @property
    def label(self) -> str:
        people = f"{self.identities}_identities" * bool(self.identities)
        return "-".join(filter(None, ["aligned" * self.aligned, people]))


@dataclasses.dataclass(frozen=True)
class AnonymizationConfig:
    """Policy per face, filters, generators' weights. Source: conventional.md."""

    # Faces narrower than this, in pixels, are kept; 0: none is.
    min_width: Annotated[int, Range(0)] = 10
    # Of filters: fixed kernels and cells, or such as grow with the face.
    strength: Literal["study", "face"] = "study"
    # Odd; sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8; of strength=study.
    blur_kernel: Odd = 51
    fullblur_kernel: Odd = 9  # odd
    # Along each side of a face; with strength=face along its longer side, at most 4.
    pixelate_cells: Count = 8
    weights: str | None = None  # file of a generator, from --mode=import_weights
    hide_neighbours: bool = True  # from generators; the published programmes did not
    # "square" or "box"; None: as the method was published.
    paste: Literal["square", "box"] | None = None


# For photos that others get to see.
STRICT = AnonymizationConfig(min_width=0, strength="face")


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
    """The part of `DataConfig` that says where unaltered photos lie."""

    dataset: _Dataset = "synthetic_crowd"
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
class OwnPhotosConfig(BoxFilesConfig, AnonymizedConfig):
    """What happens to a folder of the user's photos, and how they are annotated."""


@dataclasses.dataclass(frozen=True)
class DataConfig(AnonymizedConfig, DatasetConfig):
    """Which photos, behind which anonymizer, and where they lie."""

    anonymization: AnonymizationConfig = AnonymizationConfig()
    # "on_the_fly": in the input pipeline, nothing stored.
    anonymize: Literal["stored", "on_the_fly"] = "stored"
    crowd: CrowdConfig = CrowdConfig()
    own_faces: OwnFacesConfig = OwnFacesConfig()
    pipa: PipaConfig = PipaConfig()
    fdf: FdfConfig = FdfConfig()
    celeba: CelebaConfig = CelebaConfig()
    allow_partial: bool = False  # accept fewer photos than the annotations list
    image_format: Literal["jpeg", "png"] = "jpeg"  # of stored anonymized photos


def strict(data: OwnPhotosConfig) -> OwnPhotosConfig:
    """Return `data` with no face kept, and with filters that grow with the face."""
    anonymization = dataclasses.replace(
        data.anonymization, min_width=STRICT.min_width, strength=STRICT.strength
    )
    return dataclasses.replace(data, anonymization=anonymization)
