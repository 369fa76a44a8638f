"""What TFDS stores beside the records of a data set, checked when it is read."""

import os

import tensorflow_datasets as tfds

FRAME = 16  # bytes that a TFRecord takes beside what is in it


class StoredInfo(tfds.core.DatasetInfo):
    """The info of a data set whose files may be broken."""

    def read_from_directory(self, dataset_info_dir: str | os.PathLike) -> None:
        """Read what was stored, and check that the files of records are whole.

        Raises:
            ValueError: if a file is broken, cut short or not there.
        """
        try:
            super().read_from_directory(dataset_info_dir)
            self._check()
        except Exception as error:  # broken files can fail in any way
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(
                f"the data set in {dataset_info_dir} is broken ({reason}); remove that "
                "folder to have it built anew"
            ) from error

    def _check(self):
        if not isinstance(self.metadata["code_version"], str):
            raise ValueError("its metadata tell no version of the code")
        if not self.splits:
            raise ValueError("it tells of no splits")
        for name, split in self.splits.items():
            counts = self.metadata["counts"][name]
            if not all(type(count) is int for count in counts.values()):
                raise ValueError(f"its metadata do not count the photos of {name}")
            if self.file_format == tfds.core.FileFormat.ARRAY_RECORD:
                self._check_lengths(name, split)
                continue
            size = sum(os.path.getsize(path) for path in split.filepaths)
            expected = split.num_bytes + FRAME * split.num_examples
            if size != expected:
                raise ValueError(
                    f"the records of {name} have {size:,} bytes, not {expected:,}"
                )

    def _check_lengths(self, name, split):
        """Check ArrayRecord files, whose end tells how many records they have."""
        # Not everybody has it: TFDS requires it on Linux only.
        from array_record.python import array_record_module

        for path, expected in zip(split.filepaths, split.shard_lengths, strict=True):
            file = array_record_module.ArrayRecordReader(os.fspath(path))
            length = file.num_records()
            file.close()
            if length != expected:
                raise ValueError(
                    f"a file of {name} has {length} records, not {expected}"
                )
