"""The base of builders whose records are made from those of another data set."""

import abc
import functools
from collections.abc import Callable, Collection, Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import dataset_builder

from tfds_builders import parts, record_writer, resumable_build


class ResumableBuilder(dataset_builder.FileReaderBuilder, skip_registration=True):
    """Makes records part by part; see `resumable_build`.

    Attributes:
        DOES: what it does, before the name of a split.
    """

    DOES: str

    @abc.abstractmethod
    def source_builder(self) -> Any:
        """Return the `AnonymizedBuilder` of the photos that records are made from."""

    @abc.abstractmethod
    def recipe(self) -> Callable[[], "ResumableBuilder"]:
        """Return a function that makes this builder again.

        Other processes can be sent it.
        """

    @property
    @abc.abstractmethod
    def needs_keypoints(self) -> bool:
        """Whether records are made with the keypoints of faces."""

    @abc.abstractmethod
    def maker(self, source: Any) -> Callable[[tf.data.Dataset], Iterator[parts.Made]]:
        """Return a function: records of photos -> what is made of each, in turn.

        Args:
            source: as `source_builder` returns it; its photos are there.
        """

    @abc.abstractmethod
    def counts(self) -> parts.Counts:
        """Return what counts records, at zero."""

    def template_of(self, split: str) -> Any:
        """Return TFDS' template of the paths of the shards of a split."""
        return self._get_filename_template(split)

    def _build(
        self, splits: Collection[str], download_config: tfds.download.DownloadConfig
    ) -> list[parts.About]:
        """Build some splits of the source, here or by Beam; see `resumable_build`."""
        make = resumable_build.make_here
        if download_config.beam_options is not None:
            from tfds_builders import beam_build  # Beam need not be installed

            make = functools.partial(beam_build.make, download_config.beam_options)
        return resumable_build.build(self, splits, download_config, make)

    def _post_download_and_prepare_hook(self):
        resumable_build.remove_parts(self)

    def _example_writer(self):
        return record_writer.OrderedWriter(self.info.file_format)
