"""--mode=similarity: image metrics between original and anonymized faces."""

import dataclasses
import pathlib

from safefakes_tf import similarity
from safefakes_tf import workdir as files
from safefakes_tf.config import Similarity, with_anonymizer
from safefakes_tf.config.similarity import STANDARD
from safefakes_tf.evaluation import metric_tables


def run(settings: Similarity, workdir: pathlib.Path) -> list[metric_tables.Row]:
    """Compare the photos of anonymizers with the original ones, face by face.

    What is finished is not computed again.

    Args:
        settings: photos, anonymizers and metrics.
        workdir: gets `<anonymizer>.json` with all that belongs to the values, and
            `similarity.csv`.

    Returns:
        One row per anonymizer.

    Raises:
        ValueError: for a work folder of other settings, photos that are not here or do
            not pair, or if no metric can be computed.
    """
    files.claim(settings, workdir)
    config = settings.similarity
    config = dataclasses.replace(config, metrics=config.metrics or STANDARD)
    rows = []
    for name in settings.study_anonymizers:
        data = with_anonymizer(settings.data, name)
        path = workdir / f"{name}.json"
        told = similarity.described(data, settings.seed, config, path)
        row = {metric_tables.ANONYMIZER: name, "faces": told["faces"]}
        rows.append(row | told["values"])
    metric_tables.write(workdir / files.SIMILARITY, rows)
    print(metric_tables.markdown(rows))
    print(f"table:   {workdir / files.SIMILARITY}")
    return rows
