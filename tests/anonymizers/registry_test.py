"""The registry and the tables of names tell the same."""

import pytest

from safefakes_tf.anonymizers import registry
from safefakes_tf.config import names


def test_generators_can_be_trained_and_published_ones_imported():
    for name, row in names.ANONYMIZERS.items():
        method = registry.method(name)
        for_training = (method.build_generator, method.stages, method.batches)
        for_training += (method.trainer,)
        assert {callable(each) for each in for_training} == {row.network is not None}
        assert (method.importer is not None) == row.published


def test_a_name_that_is_not_known_is_refused():
    with pytest.raises(
        ValueError, match=r"anonymizer must be one of .* got blurr; did"
    ):
        registry.method("blurr")
