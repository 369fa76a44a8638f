"""--mode=build_dataset: prepare the photos a run reads, anonymized or not."""

import pathlib

from safefakes_tf.config import BuildDataset
from safefakes_tf.config.next_command import next_command
from tfds_builders import beam_flags, folder_export
from tfds_builders import registry as builders


def run(settings: BuildDataset, workdir: pathlib.Path) -> None:
    """Prepare the data set of `settings.data`, and the photos it is made from.

    Args:
        settings: `data` and the seed; `format` and `output`, of a folder to write too;
            `runner` and `beam_options`, of those who do the work.
        workdir: unused; data sets lie in `settings.data.data_dir`.

    Raises:
        ValueError: if raw photos or annotations are absent or malformed, the disk is
            full, another process builds the data set, or Beam is not installed.
            Nothing half-built can be read then; the same command goes on with it.
    """
    beam_options = beam_flags.parse(settings.runner, settings.beam_options)
    as_folder = settings.format == "folder"
    if as_folder and (settings.data.anonymize == "on_the_fly" or not settings.output):
        raise ValueError(
            "--format=folder needs --output, and photos that are stored anonymized "
            "(data.anonymize=stored)"
        )
    if settings.data.anonymize == "on_the_fly":
        builder = builders.create_source_builder(settings.data)
    else:
        builder = builders.create_builder(settings.data, settings.seed)
    if as_folder:
        folder_export.check(builder, settings.output)
    builders.prepare(builder, wait=False, beam_options=beam_options)
    for split, counts in builder.info.metadata["counts"].items():
        print(f"{split}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    if as_folder:
        print(f"folder:  {folder_export.export(builder, settings.output)}")
    print(next_command("train_detector", settings.data))
