"""Input pipelines: records to batches. Functions take datasets, they load none."""
