"""Telling that detections are on photos of another size than the annotated ones."""

import logging
import re

import numpy as np
import pytest

from safefakes_tf.evaluation import box_conventions, ground_truth, wider_face

SIZE = np.array([1024, 700])  # of a photo, width and height


def made_up(num_images, num_faces=5):
    """Return faces all over photos."""
    rng = np.random.default_rng(3)
    size = np.exp(rng.uniform(np.log(15), np.log(90), [num_images, num_faces, 1]))
    middle = rng.uniform(0.1, 0.9, [num_images, num_faces, 2]) * SIZE
    boxes = np.concatenate([middle - size / 2, size, 1.3 * size], axis=-1)
    return ground_truth.from_records(
        (f"a/{number}.jpg", each.astype(np.int32), *[np.ones(num_faces, bool)] * 3)
        for number, each in enumerate(boxes)
    )


@pytest.fixture
def truth():
    return made_up(40)


def detections(truth, scales):
    """Return the faces, a little moved, and others, at a scale [2] for each image."""
    rng = np.random.default_rng(4)
    images = []
    for faces, scale in zip(
        np.split(truth.boxes, truth.starts[1:-1]), scales, strict=True
    ):
        moved = faces + rng.normal(0, 0.04, faces.shape) * faces[:, [2, 3, 2, 3]]
        wrong = rng.uniform([0, 0, 10, 10], [900, 600, 99, 99], [9, 4])
        boxes = np.concatenate([moved, wrong]) * np.tile(scale, 2)
        images.append(np.column_stack([boxes, np.linspace(0.9, 0.1, len(boxes))]))
    return wider_face.Predictions.from_arrays(images)


def short_side(truth, side=640):
    """Return the scales of photos of many sizes, a side of which becomes 640 px."""
    sides = np.random.default_rng(5).uniform(400, 1500, len(truth.names))
    return np.repeat((side / sides)[:, None], 2, axis=1)


def square(truth):
    """Return the scales of photos of many sizes that become squares."""
    return np.stack([short_side(truth)[:, 0], np.full(len(truth.names), 0.625)], axis=1)


@pytest.mark.parametrize("scales", [short_side, square])
def test_photos_that_were_resized_each_at_its_scale_are_refused(truth, scales):
    found = detections(truth, scales(truth))
    with pytest.raises(ValueError, match=r"^boxes must be [^\n]*$") as refusal:
        box_conventions.check_convention(found, truth)
    refusal.match(
        r"of photos 0\.4\d to 1\.\d\d times as wide and .* high, each at a scale of "
        r"its own \(.*\): take off any padding, then divide them by the scale of each"
    )
    one_height = re.search(r"and 0\.6\d( to 0\.6\d)? times as high", str(refusal.value))
    assert bool(one_height) == (scales is square)


def test_scales_that_are_near_1_are_refused(truth):
    found = detections(truth, np.full([len(truth.names), 2], 0.93))
    with pytest.raises(
        ValueError, match=r"of photos 0\.9[23]\d* times as wide and 0\.9"
    ):
        box_conventions.check_convention(found, truth)


def test_a_face_on_each_photo_tells_a_scale_that_all_share():
    truth = made_up(60, num_faces=1)
    found = detections(truth, np.full([len(truth.names), 2], 0.5))
    with pytest.raises(ValueError, match=r"of photos 0\.[45]\d* times as wide and"):
        box_conventions.check_convention(found, truth)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_some_resized_photos_are_told_and_none_without_need(truth, share, caplog):
    resized = np.arange(len(truth.names)) < share * len(truth.names)
    scales = np.where(resized[:, None], 0.7, [[1.0, 1.0]])
    box_conventions.check_convention(detections(truth, scales), truth)
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == (share > 0)
    assert all("boxes on 12 of 40 photos with several faces" in each for each in told)


@pytest.mark.parametrize(("width", "height", "up"), [(1.4, 1.5, 0.1), (0.7, 0.7, 0.0)])
def test_boxes_that_are_drawn_otherwise_are_no_other_size(
    truth, width, height, up, caplog
):
    """Whole heads, say: their size tells nothing of that of the photo."""
    found = detections(truth, np.ones([len(truth.names), 2]))
    middle = found.boxes[:, :2] + found.boxes[:, 2:] * [0.5, 0.5 - up]
    size = found.boxes[:, 2:] * [width, height]
    found.boxes[:] = np.concatenate([middle - size / 2, size], axis=1)
    box_conventions.check_convention(found, truth)
    assert not caplog.records
