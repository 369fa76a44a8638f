"""One pass of metrics over the faces of two data sets."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import tqdm

from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.evaluation.similarity import pairs, registry
from safefakes_tf.evaluation.similarity.frechet import ENOUGH_FACES
from safefakes_tf.evaluation.similarity.metric import View


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What came of comparing two data sets.

    Attributes:
        values: name -> finite number.
        left_out: metric -> why it has no value.
        views: metric -> the crops that it read.
        tally: what was compared.
    """

    values: dict[str, float]
    left_out: dict[str, str]
    views: dict[str, View]
    tally: pairs.Tally


def compare(
    originals: Iterable[faces.Record],
    anonymized: Iterable[faces.Record],
    config: SimilarityConfig,
) -> Comparison:
    """Compute metrics between the faces of two streams of records.

    Args:
        originals, anonymized: as of `pairs.paired_records`.
        config: which metrics, and which faces count.

    Returns:
        All values that can be computed, and why the others cannot.

    Raises:
        ValueError: if the streams do not pair, have no face to compare, or no metric
            at all can be computed.
    """
    metrics, left_out = _create(config)
    views = {name: metric.view for name, metric in metrics.items()}
    tally = pairs.Tally()
    originals = tqdm.tqdm(originals, "comparing", unit="photo")
    for batch in pairs.face_pairs(
        originals,
        anonymized,
        sorted(set(views.values())),
        config.batch_size,
        config.count_blacked_out,
        tally,
    ):
        for metric in metrics.values():
            metric.update(*batch[metric.view])
    if not tally.faces:
        counts = ", ".join(f"{n} {name}" for name, n in tally.actions.items())
        raise ValueError(
            f"{tally.photos} photos have no face to compare (faces: {counts}); kept "
            "ones do not count: choose other photos or another anonymizer"
        )
    values = {}
    for name, metric in metrics.items():
        try:
            values |= dict(metric.results())
        except ValueError as error:
            left_out[name] = str(error)
    return Comparison(values, left_out, views, tally)


def _create(config):
    """Return the metrics whose weights are here, and what is missing of the others."""
    metrics, left_out = {}, {}
    for name in config.metrics:
        try:
            metrics[name] = registry.METRICS[name](config)
        except ValueError as error:
            left_out[name] = str(error)
    if not metrics:
        reasons = "; ".join(left_out.values()) or "similarity.metrics names none"
        raise ValueError(f"no metric can be computed: {reasons}")
    return metrics, left_out


def describe(
    comparison: Comparison, data: DataConfig, config: SimilarityConfig
) -> dict[str, Any]:
    """Return values and all that belongs to them, for a JSON file.

    Args:
        comparison: of the photos of `data`, under `config`.
    """
    encoded = f"{data.image_format}, quality {data.jpeg_quality}"
    return {
        "dataset": data.dataset,
        "split": config.split,
        "anonymizer": data.anonymizer,
        "reference": config.reference,
        "encoding": {
            "reference": encoded if config.reference == "original" else "as it came",
            "anonymized": encoded,
        },
        "crops": "annotated boxes, clipped to the photo and resized, bilinear",
        "sizes": {name: view._asdict() for name, view in comparison.views.items()},
        "blacked_out_faces_count": config.count_blacked_out,
        **dataclasses.asdict(comparison.tally),
        "values": comparison.values,
        "left_out": comparison.left_out,
        "notes": _notes(comparison),
    }


def _notes(comparison):
    few = comparison.tally.faces < ENOUGH_FACES
    if few and {"fid", "frechet_mobilenet_v2"} & comparison.values.keys():
        return [
            f"Fréchet distances of fewer than {ENOUGH_FACES} faces come out too large: "
            "compare them with those of as many faces only"
        ]
    return []
