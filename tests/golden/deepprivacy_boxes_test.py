"""From boxes to patches and back, against the published programme."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers import context_inpainter as context_inpainter
from safefakes_tf.anonymizers.deepprivacy import growth
from safefakes_tf.anonymizers.deepprivacy.anonymizer import DeepPrivacy
from safefakes_tf.ops import context_crops
from safefakes_tf.ops import regions as region_ops

FILL = 128


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("deepprivacy_boxes")


def yxyx(boxes):
    return np.asarray(boxes)[..., [1, 0, 3, 2]]


def test_expanded_squares(arrays):
    expand = tf.function(context_crops.expand)
    for size, box, expected in zip(
        arrays["image_hw"], arrays["boxes"], arrays["expanded"], strict=True
    ):
        got = expand(tf.constant(yxyx(box))[tf.newaxis], *map(tf.constant, size))
        np.testing.assert_array_equal(got[0], yxyx(expected))


def test_squares_around_the_centre(arrays):
    got = context_crops.around_centre(tf.constant(yxyx(arrays["boxes"])), 1.4)
    np.testing.assert_array_equal(got, yxyx(arrays["expanded_simple_040"]))


def test_boxes_inside_their_squares(arrays):
    """Where the published programme would paint nothing, one pixel is painted."""
    inside = tf.function(context_crops.inside)
    for box, square, expected in zip(
        yxyx(arrays["boxes"]),
        yxyx(arrays["expanded"]),
        yxyx(arrays["face_box_in_128"]),
        strict=True,
    ):
        got = inside(tf.constant(box), tf.constant(square), 128).numpy()
        near = np.clip(expected[:2], 0, 127)
        np.testing.assert_array_equal(got[:2], near)
        np.testing.assert_array_equal(got[2:], np.maximum(expected[2:], near + 1))


def test_patches(arrays):
    boxes = tf.constant(yxyx(arrays["pre_boxes"]), tf.int32)
    around = tf.constant(yxyx(arrays["pre_expanded"]), tf.int32)
    got = context_inpainter.cut(
        tf.constant(arrays["pre_image"]), boxes, around, 128, FILL
    )
    expected = arrays["pre_input_u8"].transpose(0, 2, 3, 1).astype(int)
    # OpenCV's fixed-point arithmetic differs from floats by up to one level.
    assert np.abs(got.numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("whole", "key"), [(True, "full"), (False, "tight")])
def test_pasting(arrays, whole, key):
    generated = (arrays["post_gen_u8"] + 0.5).astype(np.float32) / 127.5 - 1
    generated[0, :, :3], generated[0, :, 3:6] = 1.7, -1.4
    patches = DeepPrivacy.to_pixels(None, generated.transpose(0, 2, 3, 1), {})
    image = tf.constant(arrays["pre_image"])
    height, width = image.shape[:2]
    given = yxyx(arrays["pre_boxes"])
    boxes = np.clip(given, 0, [height, width, height, width])
    around = yxyx(arrays["pre_expanded"])
    got = context_inpainter.paste(
        image,
        tf.constant(boxes, tf.int32),
        tf.constant(around, tf.int32),
        patches,
        whole,
    ).numpy()
    # The published programme forgets boxes that begin outside the photo.
    forgotten = tf.constant(boxes[(given < 0).any(axis=1)], tf.int32)
    same = ~region_ops.regions_mask(forgotten, height, width).numpy()
    difference = np.abs(got.astype(int) - arrays[f"post_image_{key}"])[same]
    assert difference.max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_pictures_between_two_resolutions(arrays, share):
    given = arrays["interp_in"].transpose(0, 2, 3, 1).astype(np.float32)
    got = (growth.blend(given / 127.5 - 1, share) + 1) * 127.5
    expected = arrays[f"interp_t{share}"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_boxes_between_two_resolutions(arrays):
    boxes = tf.constant(yxyx(arrays["cut_boxes"]), tf.int32)
    photo = arrays["interp_in"][0].transpose(1, 2, 0)
    results = iter(arrays["cut_out"])
    for box in boxes:
        for share in (0.0, 0.3, 1.0):
            top, left, bottom, right = growth.blend_boxes(box, share).numpy()
            expected = photo.copy()
            expected[top:bottom, left:right] = FILL
            np.testing.assert_array_equal(next(results), expected)
