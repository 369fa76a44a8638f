import threading
import types

import numpy as np
import pytest

from safefakes_tf import atomic, faces
from safefakes_tf.evaluation import ground_truth, prediction_files
from safefakes_tf.runs import evaluate

FOUND = np.float32([[0.9, 0.1, 0.2, 0.3, 0.6]])
WAIT = 60  # s; far longer than it takes


class Records(list):
    def as_numpy_iterator(self):
        return iter(self)


class Detector:
    """Finds one face; `begin` and `merge` are called with the number of the photo."""

    def __init__(self, begin=lambda _: None, merge=lambda _: None):
        self._begin, self._merge = begin, merge

    def begin(self, photo):
        number = photo[0, 0, 0]
        self._begin(number)

        def finish():
            self._merge(number)
            return FOUND

        return finish


def detect(folder, detector, count=4, filenames=None):
    records = Records(
        {
            faces.FILENAME: (filenames or {})
            .get(number, f"event/{number}.jpg")
            .encode(),
            faces.IMAGE: np.full([10, 20, 3], number, np.uint8),
            faces.BBOX_PIXELS: np.full([1, 4], number),
        }
        for number in range(count)
    )
    builder = types.SimpleNamespace(as_dataset=lambda split: records)
    return evaluate._detect_all(detector, builder, folder, ())


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def fail_at(wrong, name):
    def fail(number):
        if number == wrong:
            raise ValueError(f"{name} {number}")

    return fail


def test_photos_come_in_their_order_when_their_file_is_written(tmp_path):
    for number, truth in enumerate(detect(tmp_path, Detector())):
        assert truth[0] == f"event/{number}.jpg"
        np.testing.assert_array_equal(truth[1], [[number] * 4])
        text = (tmp_path / "event" / f"{number}.txt").read_text()
        assert text == f"event/{number}\n1\n4.00 1.00 9.00 3.00 0.899999976\n"
    assert names(tmp_path) == [f"{number}.txt" for number in range(4)]


def test_photos_that_have_a_file_are_not_looked_at_again(tmp_path):
    list(detect(tmp_path, Detector(), 2))
    seen = []
    assert len(list(detect(tmp_path, Detector(seen.append)))) == 4
    assert seen == [2, 3]


def test_photos_that_differ_by_their_suffix_have_files_of_their_own(tmp_path):
    """So do those outside any folder, whose event is called `all`."""
    filenames = dict(enumerate(("all/a.jpg", "a.jpg", "a.png", "a.jpg.jpg")))
    seen = []
    for _ in range(2):  # the second time, all have their file
        found = detect(tmp_path, Detector(seen.append), filenames=filenames)
        truth = ground_truth.from_records(found, ())
        assert seen == [0, 1, 2, 3]
    assert len(set(truth.names)) == 4 and truth.names[0] == "all/a"
    for number, name in enumerate(truth.names):
        (path,) = tmp_path.glob(f"{name}.txt")
        assert path.read_text().startswith(f"{name}\n1\n4.00")
        np.testing.assert_array_equal(truth.boxes[number], [number] * 4)
    predictions = prediction_files.read(tmp_path, truth, ours=True)
    assert predictions.num_boxes.tolist() == [1] * 4


def test_merging_goes_on_beside_the_next_photo_and_no_further(tmp_path):
    second_begun = threading.Event()
    begun = []

    def begin(number):
        begun.append(number)
        if number == 1:
            second_begun.set()

    def merge(number):
        assert second_begun.wait(WAIT)

    truths = detect(tmp_path, Detector(begin, merge))
    for number in range(3):
        next(truths)
        assert begun == list(range(number + 2))
    truths.close()


@pytest.mark.parametrize("part", ["begin", "merge"])
@pytest.mark.parametrize("wrong", range(4))
def test_errors_come_in_the_turn_of_their_photo(tmp_path, part, wrong):
    truths = detect(tmp_path, Detector(**{part: fail_at(wrong, part)}))
    for number in range(wrong):
        assert next(truths)[0] == f"event/{number}.jpg"
    with pytest.raises(ValueError, match=f"{part} {wrong}"):
        next(truths)
    assert names(tmp_path) == [f"{number}.txt" for number in range(wrong)]


def test_of_two_errors_that_of_the_first_photo_comes(tmp_path):
    detector = Detector(fail_at(2, "begin"), fail_at(1, "merge"))
    truths = detect(tmp_path, detector)
    next(truths)
    with pytest.raises(ValueError, match="merge 1"):
        next(truths)


def test_a_stop_leaves_whole_files_alone(tmp_path, monkeypatch):
    writing, stopped = threading.Event(), threading.Event()
    write = atomic.write_text

    def write_late(path, text):
        writing.set()
        assert stopped.wait(WAIT)
        write(path, text)

    def stop(number):
        if number == 1:
            assert writing.wait(WAIT)
            stopped.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(prediction_files.atomic, "write_text", write_late)
    with pytest.raises(KeyboardInterrupt):
        list(detect(tmp_path, Detector(stop)))
    assert names(tmp_path) == ["0.txt"]
