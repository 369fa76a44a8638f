"""--mode=build_dataset: prepare the photos a run reads, anonymized or not."""

import pathlib

import safefakes_tf
from safefakes_tf.config import Config
from safefakes_tf.config.next_command import next_command
from tfds_builders import builder as builders


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
    prepare(builder)
    for split, counts in builder.info.metadata["counts"].items():
        print(f"{split}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    print(next_command("train_detector", config.data))


def prepare(builder: builders.AnonymizedBuilder) -> None:
    """Build a data set unless it is there, and print where it lies.

    Args:
        builder: from `builders.create_builder`; its `info` is complete afterwards.

    Raises:
        ValueError: as `run`.
    """
    builder.prepare()
    print(f"photos:  {builder.data_path}", flush=True)
    if builder.info.metadata.get("demonstration_weights"):
        print("         painted with demonstration weights, to be looked at only")
    made_by = builder.info.metadata["code_version"]
    if made_by != safefakes_tf.__version__:
        print(
            f"         made by version {made_by}, this is {safefakes_tf.__version__}; "
            "remove that folder to have them made anew"
        )
