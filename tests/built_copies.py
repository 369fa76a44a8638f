"""Data sets that their builders make of copies; see `made_up_copies`."""

import pathlib
from typing import Any

import pytest

from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from tfds_builders import registry
from tfds_builders.builder import AnonymizedBuilder


def build(
    dataset: str, raw: pathlib.Path, data_dir: pathlib.Path, **options: Any
) -> AnonymizedBuilder:
    """Return the builder of a data set, which it has made.

    Args:
        dataset: its name.
        raw: where the copy lies.
        data_dir: gets the data set.
        options: others of `DataConfig`; without an anonymizer it is the source.
    """
    options = {"anonymizer": "source", **options}
    data = DataConfig(dataset, data_dir=str(data_dir), manual_dir=str(raw), **options)
    builder = registry.create_builder(data, seed=0)
    builder.prepare()
    return builder


def records(
    builder: AnonymizedBuilder, split: str = "train"
) -> dict[str, faces.Record]:
    """Return the records of a split as arrays, by the names of their photos."""
    return {
        record[faces.FILENAME].decode(): record
        for record in builder.as_dataset(split=split).as_numpy_iterator()
    }


class OfRaw:
    """For TFDS's test of a builder: the copy is what the module's fixture `raw` is."""

    BUILDER_CONFIG_NAMES_TO_TEST = ("source",)

    @pytest.fixture(autouse=True, scope="class")
    def copy_of_class(self, raw):
        type(self).EXAMPLE_DIR = raw
