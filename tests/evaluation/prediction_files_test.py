"""Writing and reading prediction files, and refusing unsound ones."""

import logging

import numpy as np
import pytest

from safefakes_tf.evaluation import ground_truth, prediction_files, wider_face

NUM_IMAGES, FACES_PER_IMAGE = 12, 5


@pytest.fixture
def truth():
    """Made-up faces on a loose grid, far from the photo's corner."""
    rng = np.random.default_rng(5)
    counts = np.ones(FACES_PER_IMAGE, bool)
    records = []
    for number in range(NUM_IMAGES):
        size = rng.integers(12, 60, [FACES_PER_IMAGE, 2])
        left = 100 + 150 * np.arange(FACES_PER_IMAGE) + rng.integers(0, 60)
        top = rng.integers(80, 500, FACES_PER_IMAGE)
        boxes = np.column_stack([left, top, size]).astype(np.int32)
        records.append((f"event_{number % 3}/{number}.jpg", boxes, *[counts] * 3))
    return ground_truth.from_records(records)


def write_all(folder, truth, convert=lambda x, y, w, h: (x, y, w, h)):
    """Write the faces themselves, slightly moved, as detections."""
    rng = np.random.default_rng(6)
    for name, boxes in zip(
        truth.names, np.split(truth.boxes, truth.starts[1:-1]), strict=True
    ):
        moved = boxes + rng.normal(0, 1, boxes.shape)
        scores = np.sort(rng.uniform(0.1, 1, len(boxes)))[::-1]
        rows = np.column_stack([*convert(*moved.T), scores])
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [name, str(len(rows)), *(" ".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines))


def warnings_of(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_round_trip(truth, tmp_path, caplog):
    rng = np.random.default_rng(7)
    written = []
    for number, name in enumerate(truth.names):
        count = number % 4
        boxes = np.round(rng.uniform(-5, 900, [count, 4]), 2)
        scores = rng.uniform(-9, 9, count).astype(np.float32)
        path = prediction_files.write(tmp_path, f"{name}.jpg", boxes, scores)
        assert path == tmp_path / f"{name}.txt"
        order = np.argsort(-scores)
        written.append(np.column_stack([boxes, scores])[order])
    read = prediction_files.read(tmp_path, truth)
    expected = wider_face.Predictions.from_arrays(written)
    np.testing.assert_array_equal(read.num_boxes, expected.num_boxes)
    np.testing.assert_array_equal(read.boxes, expected.boxes)
    np.testing.assert_array_equal(read.scores.astype(np.float32), expected.scores)
    assert not warnings_of(caplog)
    assert not list(tmp_path.rglob("*.unfinished"))


def test_file_layout(tmp_path):
    path = prediction_files.write(
        tmp_path, b"ev/im.jpg", np.array([[1, 2, 3, 4.125], [5, 6, 7, 8]]), [0.25, 0.5]
    )
    assert path.read_text() == (
        "ev/im\n2\n5.00 6.00 7.00 8.00 0.5\n1.00 2.00 3.00 4.12 0.25\n"
    )


@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        (np.zeros([2, 4]), np.zeros(1), r"\[M, 4\] and scores \[M\]; got \[2, 4\]"),
        (np.zeros([1, 5]), np.zeros(1), r"got \[1, 5\] and \[1\]"),
        (np.full([1, 4], np.nan), np.zeros(1), "must be finite"),
        (np.zeros([1, 4]), np.array([np.inf]), "must be finite"),
    ],
)
def test_write_refuses(tmp_path, boxes, scores, message):
    with pytest.raises(ValueError, match=message):
        prediction_files.write(tmp_path, "ev/im.jpg", boxes, scores)
    assert not list(tmp_path.rglob("*"))


def test_tolerates_blanks_and_line_ends(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    plain = prediction_files.read(tmp_path, truth)
    for path in tmp_path.rglob("*.txt"):
        text = path.read_text().replace("\n", " \t\r\n") + "  \n\n \n"
        path.write_bytes(("\n" + text).encode())
    padded = prediction_files.read(tmp_path, truth)
    np.testing.assert_array_equal(padded.boxes, plain.boxes)
    np.testing.assert_array_equal(padded.scores, plain.scores)
    assert not warnings_of(caplog)


@pytest.mark.parametrize("title", ["0", "0.jpg", "event_0/0.jpg", "C:\\data\\0.jpg"])
def test_first_line_may_name_the_image_in_any_usual_way(truth, tmp_path, caplog, title):
    write_all(tmp_path, truth)
    path = tmp_path / "event_0" / "0.txt"
    path.write_text("\n".join([title, *path.read_text().splitlines()[1:]]))
    prediction_files.read(tmp_path, truth)
    assert not warnings_of(caplog)


def test_first_line_that_names_another_image_is_reported(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    path = tmp_path / "event_0" / "0.txt"
    path.write_text("\n".join(["event_0/3", *path.read_text().splitlines()[1:]]))
    prediction_files.read(tmp_path, truth)
    (message,) = warnings_of(caplog)
    assert message.startswith("1 prediction files") and "event_0/0.txt" in message


def test_unsorted_files_are_sorted_with_one_message(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    plain = prediction_files.read(tmp_path, truth)
    for number in (0, 3, 6):
        path = tmp_path / "event_0" / f"{number}.txt"
        title, count, *rows = path.read_text().splitlines()
        path.write_text("\n".join([title, count, *rows[::-1]]))
    repaired = prediction_files.read(tmp_path, truth)
    np.testing.assert_array_equal(repaired.boxes, plain.boxes)
    np.testing.assert_array_equal(repaired.scores, plain.scores)
    (message,) = warnings_of(caplog)
    assert "3 prediction files" in message and "not sorted" in message


def test_equal_scores_keep_their_order_when_sorted():
    rows = np.array([[0, 0, 1, 1, 0.5], [1, 0, 1, 1, 0.5], [2, 0, 1, 1, 0.9]])
    predictions = wider_face.Predictions.from_arrays([rows, rows[:0], rows])
    left = wider_face.sort_by_score(predictions).boxes[:, 0]
    np.testing.assert_array_equal(left, [2, 0, 1, 2, 0, 1])


def test_missing_images_count_as_empty_with_one_message(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    (tmp_path / "event_0" / "0.txt").unlink()
    (tmp_path / "event_1" / "1.txt").unlink()
    predictions = prediction_files.read(tmp_path, truth)
    assert predictions.num_boxes[:3].tolist() == [0, 0, FACES_PER_IMAGE]
    (message,) = warnings_of(caplog)
    assert f"2 of {NUM_IMAGES} images have no prediction file" in message


def test_files_of_unknown_images_lend_their_scores(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("x\n2\n1 2 3 4 8\n1 2 3 4 7.5\n")
    (tmp_path / "README.txt").write_text("not a prediction file")
    predictions = prediction_files.read(tmp_path, truth)
    assert predictions.stray_scores.tolist() == [8.0, 7.5]
    assert len(predictions.num_boxes) == NUM_IMAGES
    (message,) = warnings_of(caplog)
    assert "1 prediction files" in message and "other/x.txt" in message


def test_missing_or_misplaced_folder(truth, tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist"):
        prediction_files.read(tmp_path / "nowhere", truth)
    with pytest.raises(ValueError, match=r"expected event_0/0\.txt .* no \.txt file"):
        prediction_files.read(tmp_path, truth)
    write_all(tmp_path / "inner", truth)
    with pytest.raises(ValueError, match=r"found inner/event_0/0\.txt"):
        prediction_files.read(tmp_path, truth)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n", "line 2: expected the image name, but the file ends"),
        ("name\n", "line 2: expected the number of boxes, but the file ends"),
        ("1 2 3 4 0.5\n1 2 3 4 0.4", "line 2: expected the number of boxes alone, got"),
        ("name\n-1\n", "line 2: expected the number of boxes alone, got '-1'"),
        ("name\n2\n1 2 3 4 0.5\n", "boxes that follow, 1, got 2"),
        ("name\n1\n1 2 3 4 1\n1 2 3 4 0\n", "boxes that follow, 2, got 1"),
        ("name\n0\n0 0 0 0 0\n", "boxes that follow, 1, got 0"),
        ("name\n2\n1 2 3 4 1\n\n1 2 3 4\n", "line 5: expected five numbers x y w h"),
        ("name\n2\n1 2 3 4\n1 2 3 4 5 6\n", "line 3: .* got 4: '1 2 3 4'"),
        ("name\n1\n1,2,3,4,0.5\n", "line 3: expected five numbers"),
        ("name\n1\n1 2 three 4 0.5\n", "line 3: expected finite numbers .*three"),
        ("name\n2\n1 2 3 4 1\n1 2 3 4 nan\n", "line 4: expected finite numbers"),
        ("name\n1\n1 2 3 inf 1\n", "line 3: expected finite numbers"),
        ("\0\x01\x02", "line 2: expected the number of boxes"),
    ],
)
def test_malformed_file_is_refused_by_name_and_line(truth, tmp_path, content, message):
    write_all(tmp_path, truth)
    (tmp_path / "event_1" / "4.txt").write_text(content)
    with pytest.raises(ValueError, match=r"event_1.4\.txt, line \d+") as refusal:
        prediction_files.read(tmp_path, truth)
    refusal.match(message)
    assert "\n" not in str(refusal.value)


def test_empty_files_count_as_without_detections(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    (tmp_path / "event_1" / "4.txt").write_text("")
    assert prediction_files.read(tmp_path, truth).num_boxes[4] == 0
    (message,) = warnings_of(caplog)
    assert "1 prediction files" in message and "are empty and count as" in message


def test_scores_that_stand_first_are_put_last(truth, tmp_path, caplog):
    write_all(tmp_path, truth)
    expected = prediction_files.read(tmp_path, truth)
    for path in tmp_path.rglob("*.txt"):
        title, count, *rows = path.read_text().splitlines()
        rows = [" ".join(np.roll(row.split(), 1)) for row in rows]
        path.write_text("\n".join([title, count, *rows]))
    found = prediction_files.read(tmp_path, truth)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(found.scores, expected.scores)
    (message,) = warnings_of(caplog)
    assert "12 prediction files" in message and "have score x y w h" in message


@pytest.mark.parametrize("factor", [0.5, 0.625, 1.25, 3])
def test_boxes_on_photos_of_another_size_are_refused(truth, tmp_path, factor):
    write_all(tmp_path, truth, lambda *box: tuple(factor * value for value in box))
    with pytest.raises(ValueError, match=r"of photos \S+ times as wide") as error:
        prediction_files.read(tmp_path, truth)
    told = float(str(error.value).split("of photos ")[1].split()[0])
    assert told == pytest.approx(factor, rel=0.02)


CONVENTIONS = {
    "x1 y1 x2 y2": lambda x, y, w, h: (x, y, x + w, y + h),
    "y1 x1 y2 x2": lambda x, y, w, h: (y, x, y + h, x + w),
    "centre_x centre_y w h": lambda x, y, w, h: (x + w / 2, y + h / 2, w, h),
    "y x h w": lambda x, y, w, h: (y, x, h, w),
    "relative to the photo": lambda x, y, w, h: (
        x / 1000, y / 600, w / 1000, h / 600,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVENTIONS)
def test_other_box_convention_is_named_and_refused(truth, tmp_path, name):
    write_all(tmp_path, truth, CONVENTIONS[name])
    with pytest.raises(ValueError, match=f"must be x y w h in pixels; .* {name}"):
        prediction_files.read(tmp_path, truth)


def test_relative_corners_are_refused(truth, tmp_path):
    corners = CONVENTIONS["y1 x1 y2 x2"]
    write_all(tmp_path, truth, lambda *box: tuple(v / 1000 for v in corners(*box)))
    with pytest.raises(ValueError, match="relative to the photo"):
        prediction_files.read(tmp_path, truth)


@pytest.mark.parametrize("seed", range(5))
def test_bad_detector_is_not_mistaken_for_another_convention(truth, tmp_path, seed):
    rng = np.random.default_rng(seed)
    for name in truth.names:
        size = np.exp(rng.uniform(np.log(8), np.log(400), [60, 2]))
        boxes = np.column_stack([rng.uniform(-20, [900, 550], [60, 2]), size])
        prediction_files.write(tmp_path, f"{name}.jpg", boxes, rng.uniform(size=60))
    assert prediction_files.read(tmp_path, truth).num_boxes.sum() == 60 * NUM_IMAGES


def test_finds_of_a_detector_that_learnt_nothing_are_no_other_convention(tmp_path):
    """Large boxes all over small photos: a few of them meet faces in any convention."""
    rng = np.random.default_rng(0)
    names = [f"a/{number}" for number in range(80)]
    faces = [np.column_stack([rng.uniform(0, 160, [4, 2]), np.full([4, 2], 40)])] * 80
    truth = ground_truth.from_records(
        (f"{name}.jpg", boxes.astype(np.int32), *[np.ones(4, bool)] * 3)
        for name, boxes in zip(names, faces, strict=True)
    )
    for name in names:
        boxes = np.column_stack(
            [rng.uniform(-50, 150, [20, 2]), rng.uniform(150, 300, [20, 2])]
        )
        prediction_files.write(tmp_path, f"{name}.jpg", boxes, rng.uniform(size=20))
    assert prediction_files.read(tmp_path, truth, ours=True).num_boxes.sum() == 1600


def test_full_set_is_recognised_in_every_convention(golden, golden_path):
    truth = ground_truth.load(golden_path("wider_gt"))
    stored = golden("wider_preds_weak_ties")
    rows = np.column_stack([stored["boxes_x10"] / 10.0, stored["score_x1e4"] / 1e4])
    images = np.split(rows, np.cumsum(stored["counts"].astype(int))[:-1])
    predictions = wider_face.Predictions.from_arrays(images)
    check = prediction_files.check_convention
    check(predictions, truth)
    for name, convert in CONVENTIONS.items():
        converted = [
            np.column_stack([*convert(*image[:, :4].T), image[:, 4]])
            for image in images
        ]
        with pytest.raises(ValueError, match=name):
            check(wider_face.Predictions.from_arrays(converted), truth)
