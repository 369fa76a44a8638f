"""The picture at the end of a study."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from safefakes_tf import report

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
