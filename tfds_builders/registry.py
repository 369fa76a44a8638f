"""The data sets by their names; above the builders, which it imports when asked."""

import dataclasses
import importlib
from collections.abc import Sequence

import safefakes_tf
from safefakes_tf.config import DataConfig, names, values
from tfds_builders.builder import AnonymizedBuilder
from tfds_builders.builder_config import SOURCE, AnonymizedConfig


def create_builder(data: DataConfig, seed: int) -> AnonymizedBuilder:
    """Return the builder of the stored photos that `data` names.

    Args:
        data: data set, anonymizer and folders.
        seed: of the run.

    Raises:
        ValueError: if there is no such data set.
    """
    values.check_choice("dataset", data.dataset, names.DATASETS)
    builder_class = importlib.import_module(names.DATASETS[data.dataset].module).Builder
    config = AnonymizedConfig(
        anonymizer=data.anonymizer,
        anonymization=data.anonymization,
        image_format=data.image_format,
        jpeg_quality=data.jpeg_quality,
        seed=seed,
        **{option: getattr(data, option) for option in builder_class.OPTIONS},
    )
    return builder_class.create(
        config,
        data_dir=data.data_dir,
        manual_dir=data.manual_dir,
        keypoint_models=data.keypoint_models,
    )


def create_source_builder(data: DataConfig) -> AnonymizedBuilder:
    """Return the builder of the untouched photos of `data.dataset`."""
    return create_builder(dataclasses.replace(data, anonymizer=SOURCE), seed=0)


def prepare(
    builder: AnonymizedBuilder,
    split: str | None = None,
    wait: bool = True,
    beam_options: Sequence[str] | None = None,
) -> None:
    """Build a data set unless it is there, and print where it lies.

    Args:
        builder: its `info` is complete afterwards.
        split: that will be read; a data set that has none is not built.
        wait: for another process that builds it.
        beam_options: flags of Apache Beam, whose workers then derive the photos.

    Raises:
        ValueError: if raw photos or annotations are absent or malformed, the disk is
            full, there is no such split, or another process builds the data set and is
            not waited for. Nothing half-built can be read then.
    """
    if split not in (None, *builder.SPLITS):
        raise ValueError(
            f"{builder.name} has the splits {', '.join(builder.SPLITS)}, and {split} "
            "is needed; name another --dataset"
        )
    builder.prepare(wait, beam_options)
    print(f"photos:  {builder.data_path}", flush=True)
    if builder.info.metadata.get("demonstration_weights"):
        print("         generated with demonstration weights, to be looked at only")
    made_by = builder.info.metadata["code_version"]
    if made_by != safefakes_tf.__version__:
        print(
            f"         made by version {made_by}, this is {safefakes_tf.__version__}; "
            "remove that folder to have them made anew"
        )
