import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import DetectorConfig, InferenceConfig
from safefakes_tf.detectors.dsfd import anchors as anchor_ops
from safefakes_tf.detectors.dsfd import inference as detect
from safefakes_tf.detectors.dsfd import network as dsfd

SINGLE = InferenceConfig(multi_scale=False)


class FakeDetector:
    """Finds one face wherever a pixel is brighter than 250, at the nearest anchor."""

    anchor_ratio = 1.0
    variables = ()

    def __call__(self, pixels, training):
        assert not training
        level1 = tf.shape(pixels)[1] // 4, tf.shape(pixels)[2] // 4
        bright = tf.reduce_max(pixels, axis=-1) > 250
        bright = bright[:, : level1[0] * 4, : level1[1] * 4]
        cells = tf.reshape(bright, [-1, level1[0], 4, level1[1], 4])
        face = tf.cast(tf.reduce_any(cells, axis=[2, 4]), tf.float32)
        count = tf.shape(
            anchor_ops.anchors(tf.shape(pixels)[1], tf.shape(pixels)[2], "second_shot")
        )[0]
        margin = tf.reshape(face, [-1, level1[0] * level1[1]]) * 20.0 - 10.0
        others = count - tf.shape(margin)[1]
        margin = tf.pad(margin, [[0, 0], [0, others]], constant_values=-10.0)
        logits = tf.stack([tf.zeros_like(margin), margin], axis=-1)
        boxes = tf.zeros([tf.shape(pixels)[0], count, 4])
        return {"second_shot": {"boxes": boxes, "logits": logits}}


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(dsfd, "second_shot", lambda model: model)
    return FakeDetector()


@pytest.fixture(scope="module")
def tiny():
    return dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 64))


def photo_with_spot(height, width, row, column):
    photo = np.zeros([height, width, 3], np.uint8)
    photo[row : row + 4, column : column + 4] = 255
    return photo


def centre(box, height, width):
    return (box[0] + box[2]) / 2 * height, (box[1] + box[3]) / 2 * width


def factors(height, width):
    return [one.factor for one in detect.plan_passes(height, width)]


def test_one_pass_finds_the_spot(fake):
    found = detect.PhotoDetector(fake, SINGLE)(photo_with_spot(64, 96, 20, 40))
    assert found.shape == (1, 5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0], 1 / (1 + math.exp(-10)), rtol=1e-5)
    np.testing.assert_allclose(centre(found[0, 1:], 64, 96), (22, 42), atol=1e-3)
    np.testing.assert_allclose(
        (found[0, 3:] - found[0, 1:3]) * [64, 96], [16, 16], atol=1e-3
    )


def test_scale_changes_the_size_of_anchors_not_the_place(fake):
    inference = dataclasses.replace(SINGLE, scale=2.0)
    found = detect.PhotoDetector(fake, inference)(photo_with_spot(64, 96, 20, 40))
    assert len(found)
    for box in found[:, 1:]:
        assert np.abs(np.subtract(centre(box, 64, 96), (22, 42))).max() <= 2.0
        np.testing.assert_allclose((box[2:] - box[:2]) * [64, 96], 8, atol=1e-3)


def test_small_photos_are_extended(fake):
    photo = photo_with_spot(9, 12, 4, 8)
    found = detect.PhotoDetector(fake, SINGLE)(photo)
    assert len(found) == 1
    np.testing.assert_allclose(centre(found[0, 1:], 9, 12), (6, 10), atol=1e-3)


def test_nothing_found(fake):
    for multi_scale in (True, False):
        inference = InferenceConfig(multi_scale=multi_scale)
        found = detect.PhotoDetector(fake, inference)(np.zeros([40, 50, 3], np.uint8))
        assert found.shape == (0, 5)


def test_multi_scale_finds_the_spot_once(fake):
    photo = photo_with_spot(200, 300, 80, 120)
    found = detect.PhotoDetector(fake, InferenceConfig())(photo)
    best = found[0]
    assert np.abs(np.subtract(centre(best[1:], 200, 300), (82, 122))).max() < 3
    assert (np.diff(found[:, 0]) <= 0).all()


def test_mirrored_pass_is_turned_back(fake):
    photo = photo_with_spot(1000, 1500, 400, 200)
    single_pass = detect.PhotoDetector(fake, InferenceConfig())._single_pass
    sides = np.array([1000.0, 1500.0] * 2)
    straight, turned = (
        detect._run(single_pass, photo, sides, [detect.Pass(1.0, mirrored, "all")])
        for mirrored in (False, True)
    )
    np.testing.assert_allclose(straight, turned, atol=1e-2)


@pytest.mark.parametrize("size", [(60, 70), (301, 403)])
def test_a_photo_and_its_mirror_image_are_one_batch_where_that_pays(
    size, tiny, monkeypatch
):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    inference = InferenceConfig(max_candidates=50)
    detections, batches = [], []
    for pays in (False, True):
        monkeypatch.setattr(detect, "_pairs_pay", lambda pays=pays: pays)
        detector = detect.PhotoDetector(tiny, inference)
        single_pass = detector._single_pass
        seen = []

        def count(photos, factor, seen=seen, single_pass=single_pass):
            seen.append(len(photos))
            return single_pass(photos, factor)

        detector._single_pass = count
        detections.append(detector(photo))
        batches.append(seen)
    alone, together = batches
    assert alone == [1] * len(detect.plan_passes(*size))
    assert together == [2] + [1] * (len(alone) - 2)
    assert len(detections[0])
    np.testing.assert_allclose(*detections, rtol=1e-4, atol=1e-5)


def test_a_detection_ends_without_the_photo(fake):
    photo = photo_with_spot(200, 300, 80, 120)
    for inference in (SINGLE, InferenceConfig()):
        detector = detect.PhotoDetector(fake, inference)
        expected, copy = detector(photo), photo.copy()
        finish = detector.begin(copy)
        copy[:] = 0
        np.testing.assert_array_equal(finish(), expected)


def test_faces_are_kept_by_size():
    boxes = [[0, 0, 0.05, 0.05], [0, 0, 0.3, 0.3], [0, 0, 0.6, 0.6]]  # 10, 60, 120 px
    found = tf.constant([[0.9, *box] for box in boxes])
    photo = np.zeros([200, 200, 3], np.uint8)
    sides = np.full(4, 200.0)

    def count(keep):
        one = detect.Pass(1.0, False, keep)
        return len(detect._run(lambda *_: [found], photo, sides, [one]))

    assert [count(keep) for keep in ("all", "large", "small")] == [3, 2, 2]


def test_passes_of_a_photo_of_full_size():
    plan = detect.plan_passes(1000, 1500)
    assert plan == [
        (1.0, False, "all"),
        (1.0, True, "all"),
        (0.5, False, "large"),
        (0.75, False, "large"),
    ]


def test_passes_of_a_small_photo_double_up_to_the_limit():
    most = math.sqrt(1.5e6 / (100 * 150))  # 10
    assert factors(100, 150) == [1.0, 1.0, 0.5, 2.0, 4.0, 8.0, most]
    assert detect.plan_passes(100, 150)[-1].keep == "small"


def test_passes_of_a_large_photo():
    most = math.sqrt(1.5e6 / (4000 * 6000))  # 0.25
    np.testing.assert_allclose(
        factors(4000, 6000), [most, most, 0.5 * most, 0.75 * most]
    )


def test_passes_between():
    most = math.sqrt(1.5e6 / (768 * 1024))  # 1.38
    np.testing.assert_allclose(factors(768, 1024), [1, 1, 0.5, most])
    assert detect.plan_passes(768, 1024)[-1].keep == "small"


def test_real_network_in_both_ways(tiny):
    photo = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    eager = detect.detect_photo(tiny, tf.constant(photo), SINGLE)
    compiled = detect.PhotoDetector(tiny, SINGLE)(photo)
    assert 0 < len(compiled) <= SINGLE.max_detections
    np.testing.assert_allclose(eager, compiled, rtol=1e-3, atol=1e-3)


def test_a_detector_follows_its_model_unless_that_is_final():
    model = dsfd.build_dsfd(DetectorConfig(width_multiplier=1 / 64))
    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    live = detect.PhotoDetector(model, SINGLE)
    final = detect.PhotoDetector(model, SINGLE, final=True)
    before = live(photo)
    np.testing.assert_allclose(final(photo), before, rtol=1e-3, atol=1e-3)
    for variable in model.trainable_variables:
        variable.assign(variable + 0.1)
    np.testing.assert_allclose(final(photo), before, rtol=1e-3, atol=1e-3)
    assert live(photo).shape != before.shape or not np.allclose(live(photo), before)


def test_one_pixel_photo(tiny):
    found = detect.PhotoDetector(tiny, SINGLE)(np.zeros([1, 1, 3], np.uint8))
    assert found.shape[1] == 5


@pytest.mark.parametrize(
    "photo",
    [np.zeros([4, 4], np.uint8), np.zeros([4, 4, 3]), np.zeros([4, 4, 4], "u1")],
)
def test_other_arrays_are_refused(tiny, photo):
    with pytest.raises(ValueError, match=r"photo must be uint8 \[H, W, 3\]"):
        detect.PhotoDetector(tiny, SINGLE)(photo)


def test_pixels_for_prediction_files():
    found = np.float32([[0.9, 0.1, 0.2, 0.3, 0.6]])
    boxes, scores = detect.to_xywh_pixels(found, 100, 200)
    np.testing.assert_allclose(boxes, [[40, 10, 81, 21]], rtol=1e-5)
    np.testing.assert_allclose(scores, [0.9], rtol=1e-6)


def test_a_box_that_overflows_is_dropped_and_the_others_stay():
    offsets = tf.constant([[0.0, 0, 1000, 0], [0.0, 0, 0, 0]])
    outputs = {"boxes": offsets, "logits": tf.constant([[0.0, 9], [0, 5]])}
    anchors = tf.constant([[0.5, 0.5, 0.1, 0.1]] * 2)
    found = detect.detections_from_outputs(outputs, anchors, SINGLE)
    np.testing.assert_allclose(found[:, 1:], [[0.45, 0.45, 0.55, 0.55]], atol=1e-6)
