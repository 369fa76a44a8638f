"""One pipeline for all: order, pixels, bounds, failures."""

import threading

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import faces, pipeline
from safefakes_tf.anonymizers import registry

BOX = np.float32([[0.2, 0.2, 0.8, 0.7]])


def record(index, size=(60, 80), boxes=BOX):
    pixels = np.random.default_rng(index).integers(0, 256, [*size, 3], np.uint8)
    return {
        faces.IMAGE: tf.io.encode_png(pixels).numpy(),
        faces.FILENAME: f"{index}.png",
        faces.BBOX: boxes,
        faces.KEYPOINTS: fake_keypoints.in_boxes(boxes),
        faces.HAS_KEYPOINTS: np.ones(len(boxes), bool),
    }


def decode(one):
    return {**one, faces.IMAGE: tf.io.decode_png(one[faces.IMAGE], channels=3)}


def run(records, anonymizer, decode=decode, encode=lambda one: one, **options):
    return pipeline.anonymize(records, anonymizer, decode, encode, **options)


@pytest.fixture(scope="module", params=["blackout", "sun2018"])
def anonymizer(request, anonymization):
    return registry.create(request.param, anonymization(request.param), seed=3)


@pytest.fixture
def records(monkeypatch):
    """Twelve photos: every third has no face, and one exceeds all bounds."""
    monkeypatch.setattr(pipeline, "LEAST_PIXELS", 1)
    monkeypatch.setattr(pipeline, "FACES_PER_CALL", 3)
    return [
        record(n, (300, 90) if n == 5 else (60, 80 + n), BOX[: n % 3])
        for n in range(12)
    ]


@pytest.mark.parametrize("max_pixels", [1, 20_000, 10**9])
def test_results_and_their_order_are_those_of_single_photos(
    max_pixels, anonymizer, records
):
    results = list(run(records, anonymizer, max_pixels=max_pixels))
    for result, one in zip(results, records, strict=True):
        expected = anonymizer(decode(one))
        assert result[faces.FILENAME] == one[faces.FILENAME]
        np.testing.assert_array_equal(result[faces.IMAGE], expected[faces.IMAGE])
        np.testing.assert_array_equal(result[faces.ACTION], expected[faces.ACTION])


@pytest.mark.parametrize("max_pixels", [1, 20_000])
def test_pixels_on_the_way_are_bounded(max_pixels, anonymizer, records):
    lock, now, seen = threading.Lock(), {}, []

    def counting(one):
        pixels = decode(one)
        with lock:
            now[one[faces.FILENAME]] = np.prod(pixels[faces.IMAGE].shape[:2])
            seen.append((len(now), sum(now.values())))
        return pixels

    def counted(one):
        with lock:
            del now[one[faces.FILENAME]]
        return one

    list(run(records, anonymizer, counting, counted, max_pixels=max_pixels))
    assert all(count == 1 or total <= max_pixels for count, total in seen)
    assert max_pixels == 1 or max(count for count, _ in seen) > 1


def test_a_failure_comes_in_its_turn_and_names_the_photo(anonymizer, records):
    records[4][faces.IMAGE] = records[4][faces.IMAGE][:40]
    results = run(records, anonymizer)
    assert [next(results)[faces.FILENAME] for _ in range(4)] == [
        f"{n}.png" for n in range(4)
    ]
    with pytest.raises(ValueError, match=r"^photo 4\.png cannot be anonymized: "):
        next(results)


def test_a_failing_source_comes_in_its_turn(anonymizer, records):
    def source():
        yield from records[:3]
        raise ValueError("photo 3.png is missing")

    results = run(source(), anonymizer)
    assert len([next(results) for _ in range(3)]) == 3
    with pytest.raises(ValueError, match=r"3\.png is missing"):
        next(results)


def test_who_stops_early_stops_the_threads(anonymizer, records):
    before = threading.active_count()
    results = run(records, anonymizer, max_pixels=10**9)
    next(results)
    results.close()
    assert threading.active_count() <= before


def test_the_network_gets_faces_of_several_photos(anonymization, monkeypatch):
    monkeypatch.setattr(pipeline, "FACES_PER_CALL", 10**9)
    anonymizer = registry.create("sun2018", anonymization("sun2018"), seed=3)
    monkeypatch.setattr(anonymizer, "_chunk", 3)
    generate, (cut, inpaint, finish) = anonymizer.generate, anonymizer._steps()
    groups, calls = [], []

    def watched(begun):
        groups.append(len(begun))
        return generate(begun)

    def called(inputs, seeds):
        calls.append(len(seeds))
        return inpaint(inputs, seeds)

    monkeypatch.setattr(anonymizer, "generate", watched)
    monkeypatch.setattr(anonymizer, "_steps", lambda: (cut, called, finish))
    list(run([record(n) for n in range(8)], anonymizer))
    assert groups == [8]
    assert calls == [3, 3, 2]  # so that Ctrl-C does not wait for all of them


def test_the_network_is_traced_while_the_first_photo_is_searched(
    anonymization, monkeypatch
):
    anonymizer = registry.create("sun2018", anonymization("sun2018"), seed=3)
    prepared, prepare = threading.Event(), anonymizer.prepare

    def watched():
        prepare()
        monkeypatch.setattr(anonymizer, "inpaint", None)  # called to trace it, only
        prepared.set()

    def search(one):
        assert prepared.wait(60)
        return decode(one)

    monkeypatch.setattr(anonymizer, "prepare", watched)
    (result,) = run([record(0)], anonymizer, search)
    assert result[faces.ACTION] == [faces.GENERATED]
