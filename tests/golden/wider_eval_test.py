"""The evaluator against the golden results of both public programmes."""

import tarfile

import numpy as np
import pytest

from safefakes_tf.evaluation import ground_truth, prediction_files, wider_face

SUFFIXES = {"python": "", "matlab": "_matlab"}
AP_TOLERANCE = 1e-12


def split_images(counts, boxes_x10, score_x1e4):
    """Decode stored predictions to one float64 [N, 5] array per image."""
    rows = np.column_stack([boxes_x10 / 10.0, score_x1e4 / 10000.0])
    return np.split(rows, np.cumsum(counts.astype(np.int64))[:-1])


def stored(archive):
    return split_images(archive["counts"], archive["boxes_x10"], archive["score_x1e4"])


def with_scores(images, change):
    return [np.column_stack([rows[:, :4], change(rows[:, 4])]) for rows in images]


def only_image(images, truth, event, number):
    """Keep the predictions of one image, by event and number within the event."""
    events = [name.split("/")[0] for name in truth.names]
    kept = events.index(list(dict.fromkeys(events))[event]) + number
    return [rows if i == kept else rows[:0] for i, rows in enumerate(images)]


def faces_as_predictions(truth):
    return [
        np.column_stack([boxes, 1.0 - np.arange(len(boxes)) / 2048.0])
        for boxes in np.split(truth.boxes, truth.starts[1:-1])
    ]


DERIVED = {
    "typical": lambda images, truth: images,
    "constant_score": lambda images, truth: with_scores(images, lambda s: s * 0 + 0.7),
    "reversed_rows": lambda images, truth: [rows[::-1] for rows in images],
    "logit_scores": lambda images, truth: with_scores(images, lambda s: 15.0 * s - 6.0),
    "scores_above_one": lambda images, truth: with_scores(
        images, lambda s: 1.5 + 7.5 * s
    ),
    "negative_scores": lambda images, truth: with_scores(images, lambda s: s - 5.0),
    "one_image_only": lambda images, truth: only_image(images, truth, 3, 5),
    "no_predictions": lambda images, truth: [rows[:0] for rows in images],
    "ground_truth_as_predictions": lambda images, truth: faces_as_predictions(truth),
}


@pytest.fixture(scope="module")
def truth(golden_path):
    return ground_truth.load(golden_path("wider_gt"))


def assert_equals_golden(result, expected, scenario, arithmetic):
    suffix = SUFFIXES[arithmetic]
    np.testing.assert_array_equal(result.counts, expected[f"{scenario}/counts{suffix}"])
    np.testing.assert_allclose(
        list(result.ap.values()),
        expected[f"{scenario}/ap{suffix}"],
        rtol=0,
        atol=AP_TOLERANCE,
    )


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
def test_mini(golden, golden_path, arithmetic):
    expected = golden("wider_eval")
    truth = ground_truth.load(golden_path("wider_mini_gt"))
    np.testing.assert_array_equal(truth.num_faces, expected["mini/faces"])
    images = split_images(
        *(expected[f"mini/{key}"] for key in ("pred_counts", "boxes_x10", "score_x1e4"))
    )
    predictions = wider_face.Predictions.from_arrays(images)
    result = wider_face.evaluate(truth, predictions, arithmetic)
    assert_equals_golden(result, expected, "mini", arithmetic)


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
def test_mini_through_files(golden, golden_path, arithmetic, tmp_path):
    expected = golden("wider_eval")
    truth = ground_truth.load(golden_path("wider_mini_gt"))
    images = split_images(
        *(expected[f"mini/{key}"] for key in ("pred_counts", "boxes_x10", "score_x1e4"))
    )
    for name, rows in zip(truth.names, images, strict=True):
        prediction_files.write(tmp_path, f"{name}.jpg", rows[:, :4], rows[:, 4])
    predictions = prediction_files.read(tmp_path, truth)
    result = wider_face.evaluate(truth, predictions, arithmetic)
    assert_equals_golden(result, expected, "mini", arithmetic)


@pytest.mark.parametrize("arithmetic", wider_face.ARITHMETICS)
@pytest.mark.parametrize("scenario", [*DERIVED, "weak_ties", "degenerate"])
def test_full_set(golden, truth, scenario, arithmetic):
    expected = golden("wider_eval")
    np.testing.assert_array_equal(truth.num_faces, expected["faces"])
    if scenario in DERIVED:
        images = DERIVED[scenario](stored(golden("wider_preds_typical")), truth)
    else:
        images = stored(golden(f"wider_preds_{scenario}"))
    predictions = wider_face.Predictions.from_arrays(images)
    result = wider_face.evaluate(truth, predictions, arithmetic)
    assert_equals_golden(result, expected, scenario, arithmetic)


def test_every_golden_scenario_is_covered(golden):
    covered = {*DERIVED, "weak_ties", "degenerate", "mini"}
    assert covered == set(golden("wider_eval")["scenarios"].tolist())


def test_facts_of_the_validation_set(shared_data):
    folder = shared_data / "wider_gt"
    if not folder.exists():
        pytest.skip("the WIDER FACE annotation is not here")
    truth = ground_truth.load(folder)
    assert len(truth.names) == len(set(truth.names)) == 3226
    assert len({name.split("/")[0] for name in truth.names}) == 61
    assert truth.boxes.shape == (39708, 4)
    assert truth.boxes.dtype == np.int32
    assert truth.num_boxes.max() == 709
    assert truth.num_boxes.min() == 1
    np.testing.assert_array_equal(truth.num_faces, [7211, 13319, 31958])
    easy, medium, hard = truth.counting
    assert not (easy & ~medium).any()
    assert not (medium & ~hard).any()
    degenerate = (truth.boxes[:, 2:] <= 0).any(axis=1)
    assert degenerate.sum() == 11
    assert (degenerate & hard).sum() == 1


def test_published_curves(golden):
    curves = golden("wider_pr_val")
    published = dict(zip(curves["ap_names"], curves["ap_values"], strict=True))
    names = [name for name in curves.files if "/" in name]
    assert names
    for name in names:
        precision, recall = curves[name].T
        ap = wider_face.average_precision(recall, precision)
        assert ap == pytest.approx(published[name], rel=0, abs=AP_TOLERANCE)


# === Real detectors ===

REAL_SETS = {
    "derronqi+yolov7-face": (
        0.9324932633835993,
        0.9127942909886333,
        0.8297205022059916,
        1e-9,
    ),
    "ajmalrasi+Pytorch_Jit_Retinaface": (
        0.9448373912694071,
        0.9244706568389409,
        0.8153250447873874,
        1e-9,
    ),
    # Known to five digits only.
    "2aliveDeepfake+face_5landmark": (0.81477, 0.71069, 0.36315, 5e-6),
}


@pytest.mark.parametrize("name", REAL_SETS)
def test_real_prediction_set(shared_data, tmp_path, name):
    *expected, tolerance = REAL_SETS[name]
    archive = shared_data / "wider_predictions" / f"{name}.tar.gz"
    if not archive.exists():
        pytest.skip("the real prediction sets are not here")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    truth = ground_truth.load(shared_data / "wider_gt")
    predictions = prediction_files.read(tmp_path / name, truth)
    result = wider_face.evaluate(truth, predictions)
    np.testing.assert_allclose(
        list(result.ap.values()), expected, rtol=0, atol=tolerance
    )
