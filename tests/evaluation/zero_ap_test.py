"""An average precision of 0 comes with a line that says what looks odd."""

import dataclasses
import re

import numpy as np
import pytest

from safefakes_tf.evaluation import ground_truth, results, wider_face

FACES = np.array([[10, 10, 40, 40], [100, 50, 30, 30]], np.int32)


@pytest.fixture
def truth():
    counts = np.ones(2, bool)
    records = [(f"a/{number}.jpg", FACES, counts, counts, counts) for number in (0, 1)]
    return ground_truth.from_records(records)


def predictions(scores, moved=0):
    rows = [
        np.column_stack([FACES + np.array([moved, 0, 0, 0]), scores[image : image + 2]])
        for image in (0, 2)
    ]
    return wider_face.Predictions.from_arrays(rows)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (wider_face.Predictions.from_arrays([np.zeros([0, 5])] * 2), "no detection on"),
        (predictions([0.7] * 4), "all 4 detections have the score 0.7, by which no"),
        (
            predictions([0.9, 0.5, 0.4, 0.3], 25),
            "none of 4 .* half, the best one by 0.2",
        ),
    ],
)
def test_the_reason_is_told(found, words, truth, tmp_path, capsys):
    result = results.report(truth, found, "python", tmp_path)
    assert set(result.ap.values()) == {0}
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if "AP is 0" in line
    ]
    assert re.search(words, line)


def test_another_ap_needs_none(truth, tmp_path, capsys):
    results.report(truth, predictions([0.9, 0.5, 0.4, 0.3]), "python", tmp_path)
    assert "AP is 0" not in capsys.readouterr().out


def test_faces_that_do_not_count_are_told_apart(truth, tmp_path, capsys):
    """Both detections meet the face that counts in no difficulty."""
    counting = np.tile([True, False], [3, 2])
    found = wider_face.Predictions.from_arrays(
        [np.array([[100, 50, 30, 30, score]]) for score in (0.9, 0.2)]
    )
    only = dataclasses.replace(truth, counting=counting)
    results.report(only, found, "python", tmp_path)
    told = capsys.readouterr().out
    assert "2 of 2 detections overlap a face by half, but these faces do not" in told


def test_an_ap_that_is_printed_as_0_has_its_line(tmp_path, capsys):
    """One face of thousands is found, and by one of thousands of detections."""
    faces = np.tile(FACES, [5000, 1])
    counts = [np.ones(len(faces), bool)] * 3
    truth = ground_truth.from_records([("a/0.jpg", faces, *counts)])
    rows = np.column_stack([np.full([200, 4], 500.0), np.linspace(0.9, 0.1, 200)])
    rows[150, :4] = FACES[0]
    found = wider_face.Predictions.from_arrays([rows])
    result = results.report(truth, found, "python", tmp_path)
    assert 0 < result.ap["easy"] < 1e-5
    told = capsys.readouterr().out
    assert "an AP is 0:  only 1 of 200 detections overlap a face by half; " in told
