"""What CIAGAN hides, whom it paints, and where."""

import dataclasses

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.anonymizers.ciagan import alignment
from safefakes_tf.anonymizers.ciagan import network as networks
from safefakes_tf.config import AnonymizationConfig, CiaganConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces
from safefakes_tf.ops import drawing

HEIGHT, WIDTH = 120, 160
BOXES = np.float32([[0.1, 0.1, 0.6, 0.4], [0.3, 0.5, 0.9, 0.9], [0.0, 0.45, 0.05, 0.5]])
SEED = tf.constant(3, tf.int64)
PAINT = 128  # 256ths


@pytest.fixture(scope="module")
def ciagan(anonymization):
    return anonymizers.create("ciagan", anonymization("ciagan"), seed=0)


@pytest.fixture
def photo():
    return tf.constant(
        np.random.default_rng(1).integers(1, 256, [HEIGHT, WIDTH, 3], np.uint8)
    )


def some_faces(boxes=BOXES, keypoints=None, has=None):
    keypoints = fake_keypoints.in_boxes(boxes) if keypoints is None else keypoints
    has = np.ones(len(boxes), bool) if has is None else has
    return Faces(*(tf.constant(part) for part in (boxes, keypoints, has)))


def test_faces_without_keypoints_or_with_crossed_eyes_are_blacked_out(ciagan, photo):
    mirrored = fake_keypoints.in_boxes(BOXES)
    mirrored[1, :, 1] = BOXES[1, 1] + BOXES[1, 3] - mirrored[1, :, 1]
    faces = some_faces(keypoints=mirrored, has=np.array([False, True, True]))
    result, action = ciagan.apply(photo, faces, SEED)
    np.testing.assert_array_equal(action, [BLACKED_OUT, BLACKED_OUT, KEPT])
    for top, left, bottom, right in (BOXES[:2] * ([HEIGHT, WIDTH] * 2)).astype(int):
        assert not result.numpy()[top:bottom, left:right].any()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda points, near: near + 0.25 + 0.05 * (points - near),  # tiny
        lambda points, near: 0.3 * points,  # somewhere else
        lambda points, near: np.where(np.arange(68)[:, None] < 17, points[8], points),
        lambda points, near: np.where(np.arange(68)[:, None] == 5, np.nan, points),
        lambda points, near: np.where(np.arange(68)[:, None] == 5, np.inf, points),
        lambda points, near: np.where(np.arange(68)[:, None] == 5, 1e9, points),
        lambda points, near: np.where(np.arange(68)[:, None] == 39, np.nan, points),
    ],
)
def test_keypoints_that_do_not_outline_the_face_black_it_out(spoil, ciagan, photo):
    box = BOXES[1:2]
    points = spoil(fake_keypoints.in_boxes(box)[0], box[0, :2]).astype(np.float32)
    result, action = ciagan.apply(photo, some_faces(box, points[np.newaxis]), SEED)
    assert action.numpy() == [BLACKED_OUT]
    top, left, bottom, right = (box[0] * ([HEIGHT, WIDTH] * 2)).astype(int)
    assert not result.numpy()[top:bottom, left:right].any()


@pytest.mark.parametrize(
    ("stretch", "shift", "moved"),
    [([1, 1], [0, 0.1], np.arange(68) > 16), ([1, 0.4], [0, 0.35], np.arange(68) < 17)],
)
def test_a_head_turned_aside_is_hidden_with_its_features(
    stretch, shift, moved, ciagan, photo
):
    """Its outline is that of the cheek, eyes, nose and mouth lie beside it."""
    points = fake_keypoints.in_boxes(BOXES[:1])[0]
    points[moved] = points[moved] * stretch + shift
    faces = some_faces(BOXES[:1], points[np.newaxis])
    hidden = ciagan.hidden(photo, faces).numpy()
    rows, columns = (points * [HEIGHT, WIDTH]).astype(int).T
    assert hidden[rows, columns].all()
    result, action = ciagan.apply(photo, faces, SEED)
    assert action.numpy() == [GENERATED]
    np.testing.assert_array_equal(result.numpy()[~hidden], photo.numpy()[~hidden])
    noise = np.random.default_rng(2).integers(0, 256, photo.shape, np.uint8)
    noisy = np.where(hidden[..., np.newaxis], noise, photo)
    again, _ = ciagan.apply(tf.constant(noisy), faces, SEED)
    np.testing.assert_array_equal(again, result)


def test_heads_turned_aside_and_others_keep_their_own_masks(ciagan, photo):
    points = fake_keypoints.in_boxes(BOXES[:2])
    points[1, 17:] += [0, 0.1]
    together = ciagan.cut(photo, some_faces(BOXES[:2], points), SEED).inputs["mask"]
    for face in range(2):
        one = slice(face, face + 1)
        alone = ciagan.cut(photo, some_faces(BOXES[one], points[one]), SEED)
        np.testing.assert_array_equal(together[one], alone.inputs["mask"])


@pytest.mark.parametrize("aside", [0.0, 0.1])
def test_what_is_hidden_lies_under_the_mask(aside, ciagan):
    """Else black pixels around it would be taken for the face's surroundings."""
    white = tf.fill([HEIGHT, WIDTH, 3], tf.constant(255, tf.uint8))
    points = fake_keypoints.in_boxes(BOXES[:1])
    points[:, 17:, 1] += aside
    inputs = ciagan.cut(white, some_faces(BOXES[:1], points), SEED).inputs
    around = inputs["mask"].numpy() <= alignment.COVERED
    assert around.any() and not around.all()
    assert (inputs["face"].numpy()[around[..., 0]] > 128).all()


@pytest.mark.parametrize("spread", [1, 30, 1000])
def test_a_polygon_around_keypoints_holds_them_all(spread):
    places = np.random.default_rng(4).normal(0, spread, [20, 68, 2]).astype(np.int32)
    corners = alignment.mask_polygons(tf.constant(places), tf.ones([20], tf.bool))
    assert corners.shape == [20, 19, 2]
    for polygon, points in zip(corners.numpy(), places, strict=True):
        origin = polygon.min(axis=0)
        width, height = polygon.max(axis=0) - origin + 1
        inside = drawing.polygon_mask(tf.constant(polygon - origin), height, width)
        columns, rows = (points - origin).T
        assert inside.numpy()[rows, columns].all()


def test_the_outline_is_hidden_and_the_forehead_stays(ciagan, photo):
    faces = some_faces()
    hidden = ciagan.hidden(photo, faces).numpy()
    points = fake_keypoints.in_boxes(BOXES[:1])[0] * [HEIGHT, WIDTH]
    nose, chin = points[30].astype(int), points[8].astype(int)
    assert hidden[tuple(nose)]
    assert hidden[tuple(chin)]
    top, middle = int(BOXES[0, 0] * HEIGHT) + 2, nose[1]
    assert not hidden[top, middle]
    result = ciagan.anonymize(photo, faces, SEED).numpy()
    np.testing.assert_array_equal(result[~hidden], photo.numpy()[~hidden])


def test_identities_follow_the_seed_and_nothing_else(ciagan, photo):
    def identities(photo, faces, seed):
        begun = ciagan.begin(photo, faces, seed)
        inputs = ciagan.generator_inputs(begun.job.inputs, begun.seeds)
        return inputs["identity"].numpy().argmax(axis=1)

    faces = some_faces(np.tile(BOXES[:1], [30, 1]))
    first = identities(photo, faces, SEED)
    assert set(first) == set(range(ciagan.about.config.num_identities))
    np.testing.assert_array_equal(first, identities(255 - photo, faces, SEED))
    assert (first != identities(photo, faces, SEED + 1)).any()
    # A face keeps its identity whichever of the others are generated.
    has = np.arange(30) % 2 == 0
    some = identities(photo, some_faces(faces.boxes.numpy(), has=has), SEED)
    np.testing.assert_array_equal(some, first[has])


def test_of_two_outlines_the_first_is_seen(ciagan, photo):
    faces = some_faces(np.float32([[0.1, 0.1, 0.8, 0.6], [0.2, 0.3, 0.9, 0.8]]))
    alone = some_faces(faces.boxes.numpy()[:1])
    job = ciagan.cut(photo, faces, SEED)
    red, blue = (
        tf.fill([32, 32, 3], 1) * tf.constant(colour)
        for colour in ([200, 0, 0], [0, 0, 200])
    )
    patches = tf.cast(tf.stack([red, blue]), tf.uint8)
    pasted = ciagan.paste(photo, job.places, patches).numpy()
    first = ciagan.hidden(photo, alone).numpy()
    assert not pasted[first][:, 2].any()
    assert (pasted[..., 2] == 200).any()


@pytest.fixture(scope="module", params=[32, 128])
def of_side(request, tmp_path_factory):
    """Return CIAGANs whose patches are small, or as large as published."""
    network = CiaganConfig(1 / 16, request.param, num_identities=5)
    path = tmp_path_factory.mktemp("sides") / "generator.npz"
    about = generator_files.About("ciagan", network, "random, for tests")
    generator_files.write(path, networks.build_generator(network), about)
    options = AnonymizationConfig(weights=str(path))
    alone = dataclasses.replace(options, hide_neighbours=False)
    return [anonymizers.create("ciagan", o, seed=0) for o in (options, alone)]


@pytest.mark.parametrize("hide_neighbours", [True, False])
@pytest.mark.parametrize("scale", [0.5, 8])
@pytest.mark.parametrize("eyes", ["apart", "close"])
def test_all_that_is_hidden_is_paint(eyes, scale, hide_neighbours, of_side):
    """None of it was hidden in part, or shows surroundings, or a neighbour.

    Photos are smaller and larger than patches. Eyes close together give a crop that is
    smaller than the face.
    """
    ciagan = of_side[0 if hide_neighbours else 1]
    size = [int(HEIGHT * scale), int(WIDTH * scale), 3]
    photo = tf.constant(np.random.default_rng(1).integers(0, 256, size, np.uint8))
    points = fake_keypoints.in_boxes(BOXES[:2])
    if eyes == "close":
        for corner, side in zip(alignment.INNER_CORNERS, (-1, 1), strict=True):
            points[1, corner] = [0.55, 0.7 + side * 0.013]
    faces = some_faces(BOXES[:2], points)
    job = ciagan.cut(photo, faces, SEED)
    assert len(job.inputs["face"]) == 2
    patch = ciagan.about.config.resolution
    paint = tf.fill([2, patch, patch, 3], PAINT / 256)  # of which means are exact
    patches = ciagan.to_pixels(paint, job.inputs)
    pasted = ciagan.paste(photo, job.places, patches).numpy()
    hidden = ciagan.hidden(photo, faces).numpy()
    beyond = hidden.copy()
    for top, left, bottom, right in np.maximum(job.places.crops.numpy(), 0):
        beyond[top:bottom, left:right] = False
    assert beyond.any() == (eyes == "close")
    assert (pasted[hidden] == PAINT * 255 // 256).all()
    np.testing.assert_array_equal(pasted[~hidden], photo.numpy()[~hidden])


@pytest.mark.parametrize("top", range(1, 32))
def test_paint_goes_on_smoothly_wherever_its_border_lies(top):
    """A ramp, of which the pixel beyond takes what lies within a few pixels."""
    side = 32
    ramp = tf.range(side, dtype=tf.float32)[:, tf.newaxis, tf.newaxis]
    paint = tf.tile(ramp, [1, side, 1])[tf.newaxis]
    mask = tf.cast(paint >= top, tf.float32)
    spread = alignment.fill_holes(paint, mask)[0, ..., 0].numpy()
    np.testing.assert_array_equal(spread[top:], paint[0, top:, :, 0])
    assert (np.abs(spread[top - 1] - top) <= 1).all()
    assert (spread[: top - 1] > top - 0.01).all()


def test_without_a_mask_nothing_is_spread():
    paint = tf.ones([2, 8, 8, 3])
    spread = alignment.fill_holes(paint, tf.zeros([2, 8, 8, 1]))
    assert not spread.numpy().any()
