"""--mode=similarity: image metrics between original and anonymized faces."""

import json
import pathlib

from safefakes_tf.config import (
    ANONYMIZER_NAMES,
    check_choice,
    claim_workdir,
    with_anonymizer,
)
from safefakes_tf.evaluation import metric_tables
from safefakes_tf.evaluation.similarity import comparison
from safefakes_tf.similarity_settings import SimilarityModeConfig
from tfds_builders import paired

TABLE = "similarity.csv"


def run(config: SimilarityModeConfig, workdir: pathlib.Path) -> list[metric_tables.Row]:
    """Compare the photos of anonymizers with the original ones, face by face.

    What is finished is not computed again.

    Args:
        config: photos, anonymizers and metrics.
        workdir: gets `<anonymizer>.json` with all that belongs to the values, and
            `similarity.csv`.

    Returns:
        One row per anonymizer.

    Raises:
        ValueError: for a work folder of other settings, photos that are not here or do
            not pair, or if no metric can be computed.
    """
    config.similarity.validate()
    for name in config.anonymizers:
        check_choice("anonymizers", name, ANONYMIZER_NAMES)
    claim_workdir(config, workdir)
    rows = [_row(_described(config, name, workdir)) for name in config.anonymizers]
    metric_tables.write(workdir / TABLE, rows)
    print(metric_tables.markdown(rows))
    print(f"table:   {workdir / TABLE}")
    return rows


def _described(config, anonymizer, workdir):
    """Return what is known of an anonymizer's photos, computed unless it is there."""
    path = workdir / f"{anonymizer}.json"
    if path.exists():
        return json.loads(path.read_text())
    data, settings = with_anonymizer(config.data, anonymizer), config.similarity
    print(f"{anonymizer}:", flush=True)
    streams = paired.paired_streams(
        data, config.seed, settings.reference, settings.split
    )
    result = comparison.compare(*streams, settings)
    described = comparison.describe(result, data, settings)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(described, indent=2))
    partial.replace(path)
    counts = ", ".join(f"{n} {name}" for name, n in described["actions"].items())
    print(f"{described['faces']} faces compared in {described['photos']} photos, of")
    print(f"which {described['photos_without_faces']} have none; actions: {counts}")
    for name, reason in result.left_out.items():
        print(f"{name} is left out: {reason}")
    return described


def _row(described):
    return {
        metric_tables.ANONYMIZER: described["anonymizer"],
        "faces": described["faces"],
        **described["values"],
    }
