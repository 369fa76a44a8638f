"""The table of metrics: name -> how one is made."""

from collections.abc import Callable

from safefakes_tf import weight_files
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.evaluation.similarity import (
    inception,
    lpips,
    mobilenet_v2,
    pixels,
    ssim,
)
from safefakes_tf.evaluation.similarity.metric import FaceMean, Metric

METRICS: dict[str, Callable[[SimilarityConfig], Metric]] = {
    "l1": lambda _: FaceMean(pixels.l1),
    "l2": lambda _: FaceMean(pixels.l2),
    "ssim": lambda _: FaceMean(ssim.ssim),
    "lpips": lambda config: lpips.metric(
        "lpips", "alexnet", _find(weight_files.LPIPS_ALEXNET, config)
    ),
    "lpips_vgg": lambda config: lpips.metric(
        "lpips_vgg", "vgg16", _find(weight_files.LPIPS_VGG16, config)
    ),
    "fid": lambda config: inception.metric(
        _find(weight_files.INCEPTION, config, config.inception_weights)
    ),
    "frechet_mobilenet_v2": lambda config: mobilenet_v2.metric(
        _find(weight_files.MOBILENET_V2, config)
    ),
}


def _find(file, config, given=None):
    return weight_files.find(file, config.weights_dir, given)
