"""The tables and the picture at the end of a study."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from safefakes_tf import report
from safefakes_tf.evaluation import metric_tables

LEFT, RIGHT = [0.1, 0.1, 0.5, 0.4], [0.1, 0.6, 0.5, 0.9]
BESIDE_LEFT = [0.1, 0.12, 0.5, 0.42]


@pytest.mark.parametrize(
    ("faces", "finds", "words"),
    [
        ([LEFT, BESIDE_LEFT], [LEFT], "1 of 2 faces found, 0 wrong"),
        ([LEFT], [LEFT, BESIDE_LEFT], "1 of 1 faces found, 1 wrong"),
        ([LEFT, BESIDE_LEFT], [BESIDE_LEFT, LEFT], "2 of 2 faces found, 0 wrong"),
        ([LEFT, RIGHT], [RIGHT], "1 of 2 faces found, 0 wrong"),
        ([LEFT], [RIGHT], "0 of 1 faces found, 1 wrong"),
        ([LEFT], [], "0 of 1 faces found, 0 wrong"),
        ([], [LEFT], "0 of 0 faces found, 1 wrong"),
    ],
)
def test_a_find_counts_for_one_face(faces, finds, words):
    photo = np.zeros([20, 20, 3], np.uint8)
    boxes = np.reshape(finds, [-1, 4])
    example = report.Example(
        trained_on=photo,
        tested_on=photo,
        detections=np.insert(boxes, 0, 0.9, axis=1).astype(np.float32),
        faces=np.reshape(faces, [-1, 4]).astype(np.float32),
    )
    figure, axis = plt.subplots()
    report._outline(axis, example)
    assert axis.get_xlabel() == words
    plt.close(figure)


ROWS = [
    report.Row("original", {"all": 0.5, "mAP": 0.5}, 1.0, 4, similarity={"l1": 0.0}),
    report.Row("ciagan", {"all": 0.25, "mAP": 0.25}, 1.0, 4, demonstration=True),
]


def test_a_table_has_image_metrics_where_they_are_known():
    lines = report.table(ROWS).splitlines()
    assert lines[0] == "| trained on | all | mAP | l1 | steps | training |"
    assert lines[2] == "| original | 50.0 | 50.0 | 0 | 4 | 1 s |"
    assert lines[3].startswith("| ciagan (demonstration weights) | 25.0 | 25.0 | – |")


def test_correlate_reads_what_a_study_writes(tmp_path):
    report.write_csv(ROWS, tmp_path / "study.csv")
    original, ciagan = metric_tables.read(tmp_path / "study.csv")
    assert original == {"anonymizer": "original", "all": 0.5, "mAP": 0.5, "l1": 0.0}
    assert (ciagan["anonymizer"], ciagan["mAP"]) == ("ciagan", 0.25)
