"""Crops, drawings, masks and patches against the published programme."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import alignment, landmark_maps
from safefakes_tf.ops import drawing, resampling

PUBLISHED_SPREAD = 18  # px


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("ciagan_landmark_images")


@pytest.fixture(scope="module")
def canvases(arrays):
    """Return crops, places on the canvas, drawings and masks of all golden faces."""
    points = tf.constant(arrays["landmarks"])
    crops = alignment.crops(points)
    places = alignment.on_canvas(points, crops)
    outlines = alignment.outline(places)
    drawings = [landmark_maps.draw(each).numpy() for each in places]
    masks = [
        drawing.polygon_mask(each, alignment.HEIGHT, alignment.WIDTH).numpy()
        for each in outlines
    ]
    return crops.numpy(), drawings, masks


def test_crops(arrays, canvases):
    np.testing.assert_array_equal(canvases[0][:, [1, 0, 3, 2]], arrays["crop_boxes"])


def test_drawings_to_the_pixel(arrays, canvases):
    np.testing.assert_array_equal(canvases[1], arrays["landmark_image"])


def test_masks_to_the_pixel(arrays, canvases):
    np.testing.assert_array_equal(canvases[2], arrays["mask_image"] == 0)


def test_cut_out_faces(arrays, canvases):
    """OpenCV's weights of 11 bits differ from floats by up to a grey level."""
    for number, index in enumerate(arrays["crop_index"]):
        height, width = arrays["image_hw"][index]
        photo = tf.constant(arrays["image_bgr"][number][:height, :width])
        got = resampling.cut_cubic(
            photo, canvases[0][index], alignment.HEIGHT, alignment.WIDTH
        )
        difference = got.numpy().astype(int) - arrays["crop_bgr"][number]
        assert np.abs(difference).max() <= 1


def frames(arrays, canvases, number):
    """Return face, drawing and mask of the golden loader's photo, as frames."""
    index = arrays["crop_index"][number]
    face = arrays["crop_bgr"][number][..., ::-1]
    mask = canvases[2][index][..., np.newaxis].astype(np.uint8) * 255
    side = alignment.frame_side(alignment.PATCH)
    return tf.concat(
        [
            resampling.lanczos(tf.constant(np.ascontiguousarray(canvas)), side)
            for canvas in (face, canvases[1][index], mask)
        ],
        axis=2,
    )


def assert_patch(arrays, kind, number, patch):
    """Compare uint8 [128, 128, 7] with the loader's three pictures."""
    for name, part in (("face", patch[..., :3]), ("lndm", patch[..., 3:6])):
        expected = arrays[f"loader_{kind}_{name}"][number].transpose(1, 2, 0)
        difference = part.numpy().astype(int) - expected
        assert np.abs(difference).max() <= 1
    mask = alignment.to_mask(patch[..., 6:]).numpy()
    expected = arrays[f"loader_{kind}_mask"][number].transpose(1, 2, 0)
    np.testing.assert_array_equal(np.repeat(mask, 3, axis=2), expected > 0)


def test_patches_of_inference(arrays, canvases):
    for number in range(len(arrays["loader_test_face"])):
        middle = frames(arrays, canvases, number)[8:136, 8:136]
        assert_patch(arrays, "test", number, middle)


def test_patches_of_training(arrays, canvases):
    for number, draw in enumerate(arrays["loader_crop_rnd"]):
        part = alignment.random_crop(
            frames(arrays, canvases, number),
            tf.constant(draw, tf.float32),
            PUBLISHED_SPREAD,
        )
        patch = alignment.to_patch(part, alignment.PATCH)
        assert_patch(arrays, "train", number, patch)
