"""Data sets of the study as people have them; skipped where they are not here."""

import gzip

import numpy as np
import pytest

from tfds_builders.pipa import index_file


@pytest.fixture
def pipa_list(shared_data, tmp_path):
    """Return the path of PIPA's list of heads."""
    path = tmp_path / "all_data.txt"
    packed = shared_data / "pipa" / "all_data.txt.gz"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def test_the_list_as_it_goes_around(pipa_list):
    """Counts of docs/specs/datasets.md; identities of three subsets are disjoint."""
    photos = index_file.read(pipa_list)
    subset = np.concatenate([photo.subset for photo in photos])
    identity = np.concatenate([photo.identity for photo in photos])
    np.testing.assert_array_equal(np.bincount(subset), [11437, 29223, 9642, 12886])
    people = [set(identity[subset == number]) for number in range(4)]
    assert [len(found) for found in people] == [54, 1409, 366, 581]
    assert not people[1] & people[2] | people[2] & people[3] | people[1] & people[3]
    of_photos = [sum(number in photo.subset for photo in photos) for number in range(4)]
    assert of_photos == [10483, 17000, 5684, 7868]
    assert index_file.to_text(photos).count("\n") == 63188
