"""Settings of `--mode=similarity` and `--mode=correlate`; free of TensorFlow."""

import dataclasses

from safefakes_tf.config import FILTER_NAMES, DataConfig, check_choice

# Name of a metric -> names of the values that it yields.
METRIC_VALUES = {
    "l1": ("l1",),
    "l2": ("l2_mse", "l2_rmse"),
    "ssim": ("ssim",),
    "lpips": ("lpips",),
    "lpips_vgg": ("lpips_vgg",),
    "fid": ("fid",),
    "frechet_mobilenet_v2": ("frechet_mobilenet_v2",),
}
REFERENCES = ("original", "source")


@dataclasses.dataclass(frozen=True)
class SimilarityConfig:
    """Which image metrics, of which faces. Source: metrics.md."""

    metrics: tuple[str, ...] = (
        "l1",
        "l2",
        "ssim",
        "lpips",
        "fid",
        "frechet_mobilenet_v2",
    )
    split: str = "train"  # what a detector learns from; or a part of it: train[:500]
    # What anonymized photos are compared with: "original", encoded as they are, or
    # "source", the untouched files, which adds what the encoding changes.
    reference: str = "original"
    count_blacked_out: bool = True  # faces that an anonymizer could not replace
    batch_size: int = 32  # faces at once
    weights_dir: str | None = None  # of the networks; None: the cache folder
    inception_weights: str | None = None  # PyTorch file of FID's network

    def validate(self) -> None:
        """Raise a ValueError for a name that is not known, or no faces at once."""
        for name in self.metrics:
            check_choice("similarity.metrics", name, tuple(METRIC_VALUES))
        check_choice("similarity.reference", self.reference, REFERENCES)
        if self.batch_size < 1:
            raise ValueError(
                f"similarity.batch_size must be 1 or more; got {self.batch_size}"
            )


@dataclasses.dataclass(frozen=True)
class SimilarityModeConfig:
    """What `--mode=similarity` reads."""

    data: DataConfig = DataConfig()
    similarity: SimilarityConfig = SimilarityConfig()
    anonymizers: tuple[str, ...] = FILTER_NAMES  # one row of the table each
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class CorrelateModeConfig:
    """What `--mode=correlate` reads."""

    tables: tuple[str, ...] = ()  # files `study.csv`
