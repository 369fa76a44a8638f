"""What is told of photos is the same everywhere."""

import json

import numpy as np

from safefakes_tf import faces, provenance
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import AnonymizationConfig

KEYS = {
    *("anonymizer", "options", "weights_sha256", "weights_origin"),
    *("demonstration_weights", "seed", "code_version", "arithmetic", "counts"),
}


def test_a_description_is_json_and_tells_of_the_weights(anonymization):
    options = {"anonymization": AnonymizationConfig(min_width=3), "jpeg_quality": 80}
    plain = provenance.describe("blur", options, 4)
    assert plain.keys() == KEYS
    assert json.loads(json.dumps(plain)) == plain
    assert plain["options"]["anonymization"]["min_width"] == 3
    assert plain["weights_sha256"] is plain["weights_origin"] is None
    about = generator_files.read_about(anonymization("sun2018").weights)
    made = provenance.describe("sun2018", options, 4, "ab12", about)
    assert made.keys() == KEYS
    assert made["weights_sha256"] == "ab12"
    assert made["weights_origin"] == "random, for tests"
    assert made["demonstration_weights"] is False


def test_counts_are_of_what_records_have():
    record = {
        faces.BBOX: np.zeros([3, 4], np.float32),
        faces.ACTION: [0, 1, 1],
        faces.KEYPOINTS_SOURCE: np.int64([2, 2, 0]),
    }
    few, all_ = provenance.Counts([faces.BBOX]), provenance.Counts(record)
    for counts in (few, all_):
        counts.add(record)
        counts.add({**record, faces.BBOX: record[faces.BBOX][:0], **EMPTY})
    assert few.to_dict() == {"photos": 2, "faces": 3}
    assert all_.to_dict() == {
        **{"photos": 2, "faces": 3, "kept": 1, "generated": 2, "blacked_out": 0},
        **{"keypoints none": 1, "keypoints mesh": 0, "keypoints blazeface": 2},
    }


EMPTY = {faces.ACTION: [], faces.KEYPOINTS_SOURCE: []}
