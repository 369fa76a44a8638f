"""The `synthetic_crowd` data set; `synthetic_crowd_dataset_builder` builds it."""
