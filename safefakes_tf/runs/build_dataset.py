"""--mode=build_dataset: prepare the photos a run reads, anonymized or not."""

import pathlib

from safefakes_tf.config import Config
from safefakes_tf.runs.next_command import next_command
from tfds_builders import registry as builders


def run(config: Config, workdir: pathlib.Path) -> None:
    """Prepare the data set of `config.data`, and the photos it is made from.

    Args:
        config: `config.data` and the seed matter here.
        workdir: unused; data sets lie in `config.data.data_dir`.

    Raises:
        ValueError: if raw photos or annotations are absent or malformed, or the disk
            is full. Nothing half-built is left then.
    """
    if config.data.anonymize == "on_the_fly":
        builder = builders.create_source_builder(config.data)
    else:
        builder = builders.create_builder(config.data, config.seed)
    builders.prepare(builder)
    for split, counts in builder.info.metadata["counts"].items():
        print(f"{split}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    print(next_command("train_detector", config.data))
