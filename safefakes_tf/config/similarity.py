"""Image metrics between original and anonymized faces."""

import dataclasses
import re
from typing import Annotated, Literal

from safefakes_tf.config.values import Choice, Count, Rule

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
# As TFDS reads it; whether the split has such a part is known once it is there.
_BOUND = r"(-?[\d_.]+(%|shard)?)?"
_PART = re.compile(rf"\w+(\[(?!:?\]){_BOUND}(:{_BOUND})?\])?")
_Metric = Annotated[str, Choice(lambda: METRIC_VALUES)]
_Split = Annotated[
    str, Rule("a split, or a part of one, such as train[:500]", _PART.fullmatch)
]
STANDARD = tuple(name for name in METRIC_VALUES if name != "lpips_vgg")


@dataclasses.dataclass(frozen=True)
class SimilarityConfig:
    """Which image metrics, of which faces. Source: metrics.md."""

    # Some of l1, l2, ssim, lpips, lpips_vgg, fid, frechet_mobilenet_v2; where none is
    # named, a study computes none, and --mode=similarity all but lpips_vgg.
    metrics: tuple[_Metric, ...] = ()
    split: _Split = "train"  # what detectors learn from; or a part of it: train[:500]
    # What anonymized photos are compared with: "original", encoded as they are, or
    # "source", the untouched files, which adds what the encoding changes.
    reference: Literal["original", "source"] = "original"
    count_blacked_out: bool = True  # faces that an anonymizer could not replace
    batch_size: Count = 32  # faces at once
    weights_dir: str | None = None  # of the networks; None: the cache folder
    inception_weights: str | None = None  # PyTorch's file of FID's network
