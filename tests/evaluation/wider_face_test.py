"""The evaluator on cases small enough to count by hand."""

import numpy as np
import pytest

from safefakes_tf.evaluation import curves, ground_truth, wider_face
from safefakes_tf.evaluation.wider_face import Predictions

FACE = [10, 10, 20, 20]
FAR = [200, 200, 20, 20]


def truth_of(*images):
    """One image per argument: a list of (box, easy, medium, hard)."""
    records = []
    for number, faces in enumerate(images):
        boxes = np.array([f[0] for f in faces], np.int32).reshape(-1, 4)
        flags = np.array([f[1:] for f in faces], bool).reshape(-1, 3).T
        records.append((f"event/{number}.jpg", boxes, *flags))
    return ground_truth.from_records(records)


def predict(*images):
    """One image per argument: a list of (box, score)."""
    return Predictions.from_arrays(
        [np.array([[*b, s] for b, s in rows]).reshape(-1, 5) for rows in images]
    )


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
def test_perfect_detection(arithmetic):
    truth = truth_of([(FACE, 1, 1, 1), (FAR, 0, 0, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 1.0), (FAR, 0.5)]), arithmetic)
    # The box that does not count is taken out: one proposal in easy and medium.
    np.testing.assert_array_equal(result.counts[:, -1], [[1, 1], [1, 1], [2, 2]])
    np.testing.assert_array_equal(result.counts[2, 0], [1, 1])
    assert result.ap == {"easy": 1.0, "medium": 1.0, "hard": 1.0}
    assert result.mean_ap == 1.0


def test_second_detection_on_a_face_is_a_false_alarm():
    truth = truth_of([(FACE, 1, 1, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 1.0), (FACE, 0.5)]))
    np.testing.assert_array_equal(result.counts[0, -1], [2, 1])


def test_best_face_is_taken_even_if_already_matched():
    near = [12, 10, 20, 20]
    truth = truth_of([(FACE, 1, 1, 1), (near, 1, 1, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 1.0), (FACE, 0.9)]))
    np.testing.assert_array_equal(result.counts[0, -1], [2, 1])


def test_overlap_counts_the_border_pixels():
    # 2 x 1 pixels on 2 x 2: (2 * 1) / 4 is one half only with the border pixel.
    overlap = wider_face.overlaps_float64(
        np.array([[0.0, 0, 1, 0]]), np.array([[0, 0, 1, 1], [5, 5, 0, 0]])
    )
    np.testing.assert_array_equal(overlap, [[0.5, 0.0]])
    np.testing.assert_array_equal(
        wider_face.overlaps_int32(np.array([[0.0, 0, 1, 0]]), np.array([[0, 0, 1, 1]])),
        [[1.0]],
    )


def test_matlab_takes_the_first_of_faces_that_overlap_enough():
    near = [13, 10, 20, 20]
    truth = truth_of([(FACE, 0, 0, 0), (near, 1, 1, 1)])
    predictions = predict([(near, 0.9), (FAR, 0.1)])
    python = wider_face.evaluate(truth, predictions, "python")
    matlab = wider_face.evaluate(truth, predictions, "matlab")
    np.testing.assert_array_equal(python.counts[0, -1], [2, 1])
    np.testing.assert_array_equal(matlab.counts[0, -1], [1, 0])


def test_image_without_faces_adds_nothing_but_its_scores():
    truth = truth_of([(FACE, 1, 1, 1)], [])
    predictions = predict([(FACE, 2.0)], [(FAR, 3.0), (FAR, 1.0)])
    result = wider_face.evaluate(truth, predictions)
    np.testing.assert_array_equal(result.counts[0, -1], [1, 1])
    # The other image's scores bring 2.0 to one half.
    assert result.counts[0, 498, 0] == 0
    assert result.counts[0, 500, 0] == 1


def test_stray_scores_enter_the_python_normalisation_only():
    truth = truth_of([(FACE, 1, 1, 1)])
    rows = [np.array([[*FACE, 1.0], [*FAR, 0.5]])]
    with_strays = Predictions.from_arrays(rows, stray_scores=[2.0])
    python = wider_face.evaluate(truth, with_strays, "python")
    # 1.0 becomes (1.0 - 0.5) / (2.0 - 0.5).
    assert python.counts[0, 664, 0] == 0
    assert python.counts[0, 667, 0] == 1
    np.testing.assert_array_equal(
        wider_face.evaluate(truth, with_strays, "matlab").counts,
        wider_face.evaluate(truth, Predictions.from_arrays(rows), "matlab").counts,
    )


def test_cut_is_after_the_last_score_that_reaches_the_threshold():
    truth = truth_of([(FACE, 1, 1, 1)])
    unsorted = predict([(FAR, 0.0), (FACE, 1.0)])
    python = wider_face.evaluate(truth, unsorted, "python")
    matlab = wider_face.evaluate(truth, unsorted, "matlab")
    np.testing.assert_array_equal(python.counts[0, 0], [2, 1])
    np.testing.assert_array_equal(matlab.counts[0, 0], [1, 1])


def test_split_without_faces_has_no_average_precision():
    truth = truth_of([(FACE, 0, 1, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 0.9), (FAR, 0.1)]))
    assert np.isnan(result.ap["easy"])
    assert np.isnan(result.mean_ap)
    assert result.ap["medium"] == result.ap["hard"] == 1.0


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
def test_one_score_alone_cannot_be_normalised(arithmetic):
    # 0 / 0 reaches no threshold: the protocol's answer is 0, not an error.
    truth = truth_of([(FACE, 1, 1, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 0.9)]), arithmetic)
    assert not result.counts.any()
    assert result.mean_ap == 0.0


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
def test_nothing_at_all(arithmetic):
    result = wider_face.evaluate(truth_of(), predict(), arithmetic)
    assert not result.counts.any()
    result = wider_face.evaluate(truth_of([]), predict([(FACE, 0.5)]), arithmetic)
    assert not result.counts.any()


def test_average_precision_by_hand():
    recall = np.array([0.0, 0.5, 0.5, 1.0])
    precision = np.array([np.nan, 0.5, 0.25, 0.75])
    # Non-increasing from the right: 0.75 everywhere.
    assert wider_face.average_precision(recall, precision) == 0.75
    assert wider_face.average_precision(np.zeros(3), np.full(3, np.nan)) == 0.0


def test_refuses_unknown_arithmetic_and_other_images():
    truth = truth_of([(FACE, 1, 1, 1)])
    with pytest.raises(ValueError, match=r"one of .*matlab.*; got 'octave'"):
        wider_face.evaluate(truth, predict([]), "octave")
    with pytest.raises(ValueError, match=r"cover the 1 images .* got 2"):
        wider_face.evaluate(truth, predict([], []))


def test_plot_is_written(tmp_path):
    truth = truth_of([(FACE, 0, 1, 1), (FAR, 0, 0, 1)])
    result = wider_face.evaluate(truth, predict([(FACE, 0.9)]))
    curves.plot_precision_recall({"one": result}, tmp_path / "pr.png")
    assert (tmp_path / "pr.png").read_bytes().startswith(b"\x89PNG")
