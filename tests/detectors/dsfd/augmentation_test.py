"""Augmentation steps against plain references, eagerly and inside tf.data."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.config import AugmentationConfig
from safefakes_tf.detectors.dsfd import augmentation

SIZE = 64


def noise(height, width, seed=0):
    values = np.random.default_rng(seed).integers(0, 200, (height, width, 3))
    return values.astype(np.uint8)


def marked_photo(height, width, box):
    """Return a grey photo whose one face is a pure red rectangle."""
    image = np.full((height, width, 3), 128, np.uint8)
    top, left, bottom, right = map(int, box)
    image[top:bottom, left:right] = (255, 0, 0)
    return image


def red_extent(image):
    """Return the yxyx extent of the pixels that are clearly red."""
    red = (image[..., 0] > 190) & (image[..., 1] < 70) & (image[..., 2] < 70)
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    return np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


def centres(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def areas(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


# === C1. Data-anchor-sampling ===


@pytest.mark.parametrize(
    ("side", "size", "targets"),
    [
        (10, 640, (16, 32)),
        (24, 640, (16, 32)),  # as far from 16 as from 32: the lower one counts
        (25, 640, (16, 32, 64)),
        (100, 640, (16, 32, 64, 128, 256)),
        (500, 640, (16, 32, 64, 128, 256, 512)),
        (500, 256, (16, 32, 64, 128)),  # above 0.8 of the input: never
        (20, 32, (16,)),
    ],
)
def test_scale_brings_face_within_an_octave_of_an_allowed_target(side, size, targets):
    face = np.float32([5, 7, 5 + side - 1, 7 + side - 1])
    rng = np.random.default_rng(1)
    scaled = side * np.array(
        [augmentation.draw_scale(face, 700, 900, rng, size) for _ in range(2000)]
    )
    assert scaled.min() >= targets[0] / 2 * (1 - 1e-6)
    assert scaled.max() <= targets[-1] * 2 * (1 + 1e-6)
    assert scaled.min() < targets[0] / 2 * 1.1
    assert scaled.max() > targets[-1] * 2 * 0.9
    # With n targets t, log2 of the result has mean E[log2 t] and a known variance.
    logs = np.log2(targets)
    deviation = np.sqrt(logs.var() + 1 / 3)
    error = abs(np.log2(scaled).mean() - logs.mean())
    assert error < 4 * deviation / np.sqrt(len(scaled))


def test_scale_never_exceeds_the_pixel_limit():
    face = np.float32([0, 0, 1, 1])
    rng = np.random.default_rng(0)
    scales = [augmentation.draw_scale(face, 3000, 4000, rng, 640) for _ in range(50)]
    assert max(scales) == pytest.approx(np.sqrt(12_000**2 / (3000 * 4000)))


def test_windows_hold_a_face_and_start_where_the_rule_says():
    face = np.float32([300, 500, 340, 530])
    rng = np.random.default_rng(0)
    windows = np.array(
        [
            augmentation.draw_window(face, face[None], (900, 1200), rng, 64)
            for _ in range(300)
        ]
    )
    assert windows[:, 0].min() >= 340 + 1 - 64 and windows[:, 0].max() <= 300
    assert windows[:, 1].min() >= 530 + 1 - 64 and windows[:, 1].max() <= 500
    assert np.ptp(windows[:, 0]) > 15 and np.ptp(windows[:, 1]) > 25


def test_window_of_a_photo_smaller_than_it_reaches_left_and_above():
    face = np.float32([5, 5, 15, 15])
    rng = np.random.default_rng(0)
    windows = np.array(
        [
            augmentation.draw_window(face, face[None], (30, 40), rng, 64)
            for _ in range(200)
        ]
    )
    assert windows.max() <= 0
    assert windows[:, 0].min() >= 30 - 64 and windows[:, 1].min() >= 40 - 64


def test_window_is_none_if_no_face_fits_and_valid_at_high_overlap():
    rng = np.random.default_rng(0)
    too_large = np.float32([0, 0, 128, 128])  # IoU at most 1/4
    assert (
        augmentation.draw_window(too_large, too_large[None], (300, 300), rng, 64)
        is None
    )
    slightly = np.float32([100, 100, 168, 168])  # IoU up to 64² / 68² = 0.89
    assert augmentation.draw_window(slightly, slightly[None], (300, 300), rng, 64)


def test_anchor_sampling_fills_left_and_above_only():
    box = [8, 10, 24, 26]
    image = np.full((40, 50, 3), 200, np.uint8)
    filled = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        crop, _ = augmentation.crop_around_anchor_size(
            image, np.float32([box]), rng, SIZE, 36.0
        )
        is_fill = (crop == augmentation.FILL).all(axis=2)
        filled += is_fill.any()
        photo = ~is_fill
        rows, columns = np.flatnonzero(photo.any(1)), np.flatnonzero(photo.any(0))
        # The photo is one rectangle that touches the right and the bottom edge.
        assert rows[-1] == crop.shape[0] - 1 and columns[-1] == crop.shape[1] - 1
        assert photo[rows[0] :, columns[0] :].all()
        assert photo.sum() == photo[rows[0] :, columns[0] :].size
    assert filled > 20


def test_anchor_sampling_equals_resizing_first_and_cropping_afterwards():
    """Compare with the literal order of the specification, nearest filter aside."""
    yy, xx = np.mgrid[:90, :120]
    smooth = np.stack([2 * yy, 2 * xx, yy + xx], axis=2).astype(np.uint8)
    boxes = np.float32([[30, 40, 50, 62]])
    for seed in range(40):
        rng, replay = np.random.default_rng(seed), np.random.default_rng(seed)
        crop, moved = augmentation.crop_around_anchor_size(
            smooth, boxes, rng, SIZE, 36.0
        )
        replay.integers(1)
        scale = augmentation.draw_scale(boxes[0], 90, 120, replay, SIZE)
        replay.integers(5)
        shape = (round(90 * scale), round(120 * scale))
        window = augmentation.draw_window(
            boxes[0] * scale, boxes * scale, shape, replay, SIZE
        )
        if window is None:
            continue
        expected = boxes * scale - np.float32([*window] * 2)
        assert crop.shape[0] == min(SIZE, shape[0] - window[0])
        assert crop.shape[1] == min(SIZE, shape[1] - window[1])
        assert len(moved) == 1
        np.testing.assert_allclose(moved, expected, atol=1.5)
        centre = centres(moved)[0]
        value = crop[
            tuple(np.clip(centre.astype(int), 0, np.array(crop.shape[:2]) - 1))
        ]
        # The picture is linear, so a pixel's value tells where in the photo it lies.
        np.testing.assert_allclose(value[:2] / 2, [40, 51], atol=2 + 1.5 / scale)


def test_anchor_sampling_keeps_faces_by_centre_unclipped_and_drops_small_ones():
    rng = np.random.default_rng(0)
    starts = rng.uniform(0, 250, (40, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(2, 60, (40, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    outside = 0
    for seed in range(60):
        crop, kept = augmentation.crop_around_anchor_size(
            noise(300, 300), boxes, np.random.default_rng(seed), SIZE, 36.0
        )
        assert (areas(kept) > 36).all()
        if max(crop.shape[:2]) <= SIZE:
            assert ((centres(kept) > 0) & (centres(kept) < SIZE)).all()
            outside += ((kept < 0) | (kept > SIZE)).any()
    assert outside > 10


def test_anchor_sampling_falls_back_to_the_whole_photo_at_bounded_size():
    wide = [20, 2, 34, 78]  # too long for any window once it is enlarged
    image, box = marked_photo(60, 80, wide), np.float32([wide])
    whole = 0
    for seed in range(40):
        crop, moved = augmentation.crop_around_anchor_size(
            image, box, np.random.default_rng(seed), SIZE, 36.0
        )
        assert crop.shape[0] * crop.shape[1] <= (2 * SIZE) ** 2 * 1.05
        assert len(moved) == 1
        whole += max(crop.shape) > SIZE  # no window is that large
        visible = np.clip(moved[0], 0, crop.shape[:2] * 2)
        np.testing.assert_allclose(visible, red_extent(crop), atol=2)
    assert whole


# === C2. Square crops ===


def test_square_crop_follows_its_rules():
    rng = np.random.default_rng(0)
    starts = rng.uniform(-5, 110, (12, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(1, 40, (12, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    image = noise(120, 160)
    sides = []
    for seed in range(100):
        crop, kept = augmentation.crop_square(
            image, boxes, np.random.default_rng(seed), SIZE, 36.0
        )
        height, width = crop.shape[:2]
        sides.append(height)
        assert abs(height - width) <= 1
        assert 0.3 * 120 - 1 <= height <= 120
        assert (kept >= 0).all()
        assert (kept[:, 2:] <= [height, width]).all()
        assert (areas(kept) * SIZE**2 / (height * width) >= 36 * (1 - 1e-5)).all()
    assert max(sides) == 120
    assert min(sides) < 50


def test_square_crop_keeps_exactly_the_faces_whose_centre_is_inside():
    """Find the crop in a photo of unique pixels, then apply the rule literally."""
    index = np.arange(100 * 130)
    image = np.stack([index // 256, index % 256, index * 0], axis=1)
    image = image.reshape(100, 130, 3).astype(np.uint8)
    rng = np.random.default_rng(3)
    starts = rng.uniform(0, 95, (10, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(8, 25, (10, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    for seed in range(30):
        crop, kept = augmentation.crop_square(
            image, boxes, np.random.default_rng(seed), SIZE, 0.0
        )
        top, left = divmod(int(crop[0, 0, 0]) * 256 + int(crop[0, 0, 1]), 130)
        low = np.float32([top, left])
        high = low + crop.shape[:2]
        expected = [
            np.concatenate(
                [np.maximum(b[:2], low) - low, np.minimum(b[2:], high) - low]
            )
            for b in boxes
            if ((b[:2] + b[2:]) / 2 >= low).all()
            and ((b[:2] + b[2:]) / 2 <= high).all()
        ]
        np.testing.assert_allclose(kept, expected, atol=1e-4)
        assert any(
            (b[:2] >= low - 1).all() and (b[2:] <= high + 1).all() for b in boxes
        )


def test_square_crop_without_a_fitting_face_returns_the_photo_and_small_faces():
    image = noise(40, 90)
    boxes = np.float32([[-3, -3, 45, 95], [-1, 5, 2, 7]])  # neither is inside the photo
    crop, kept = augmentation.crop_square(
        image, boxes, np.random.default_rng(0), SIZE, 36.0
    )
    np.testing.assert_array_equal(crop, image)
    np.testing.assert_array_equal(kept, boxes)


# === D. Resize; E. Flip ===


def test_resize_stretches_photo_and_boxes_alike():
    box = [20, 30, 60, 90]
    for seed in range(10):
        image, boxes = augmentation.resize(
            marked_photo(100, 200, box),
            np.float32([box]),
            np.random.default_rng(seed),
            SIZE,
        )
        assert image.shape == (SIZE, SIZE, 3)
        np.testing.assert_allclose(boxes[0], [12.8, 9.6, 38.4, 28.8], rtol=1e-6)
        np.testing.assert_allclose(boxes[0], red_extent(image), atol=1.1)


def test_flip_mirrors_in_half_of_the_cases():
    image, boxes = noise(10, 20), np.float32([[1, 2, 5, 8]])
    mirrored = 0
    for seed in range(400):
        out, moved = augmentation.flip(image, boxes, np.random.default_rng(seed))
        if np.array_equal(out, image):
            np.testing.assert_array_equal(moved, boxes)
        else:
            mirrored += 1
            np.testing.assert_array_equal(out, image[:, ::-1])
            np.testing.assert_array_equal(moved, [[1, 12, 5, 18]])
    assert 140 < mirrored < 260


# === The whole ===


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_boxes_stay_on_the_face(probability, monkeypatch):
    monkeypatch.setattr(
        augmentation.colour_distortion, "distort", lambda image, rng: image
    )
    config = AugmentationConfig(anchor_sampling_probability=probability)
    image, box = marked_photo(150, 200, [50, 70, 90, 120]), [50, 70, 90, 120]
    for seed in range(60):
        out, boxes = augmentation.augment(
            image, np.float32([box]), np.random.default_rng(seed), config, 128
        )
        assert out.shape == (128, 128, 3) and out.dtype == np.uint8
        assert boxes.shape == (1, 4) and boxes.dtype == np.float32
        np.testing.assert_allclose(np.clip(boxes[0], 0, 128), red_extent(out), atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 3), (500, 4)])
def test_odd_photos_pass(shape):
    boxes = np.float32([[0, 0, *shape], [-4, -9, shape[0] + 3, 2]])
    for seed in range(30):
        image, kept = augmentation.augment(
            noise(*shape),
            boxes,
            np.random.default_rng(seed),
            AugmentationConfig(),
            SIZE,
        )
        assert image.shape == (SIZE, SIZE, 3)
        assert np.isfinite(kept).all() and kept.dtype == np.float32


def test_same_generator_same_result_eagerly_and_in_tf_data():
    image, boxes = noise(90, 70), np.float32([[10, 10, 40, 35], [50, 20, 80, 55]])

    def run(seed):
        rng = np.random.default_rng(int(seed))
        return augmentation.augment(image, boxes, rng, AugmentationConfig(), SIZE)

    dataset = tf.data.Dataset.range(8).map(
        lambda seed: tf.numpy_function(run, [seed], [tf.uint8, tf.float32]),
        num_parallel_calls=2,
    )
    for seed, (in_graph, moved) in enumerate(dataset.as_numpy_iterator()):
        expected = run(seed)
        np.testing.assert_array_equal(in_graph, expected[0])
        np.testing.assert_array_equal(moved, expected[1])
