"""Tests of the composed scenes."""

import cv2
import numpy as np
import pytest

from safefakes_tf.config import CrowdConfig
from tfds_builders.synthetic_crowd import (
    annotations,
    assembly,
    heads,
    layers,
    mannequins,
    people,
    scenes,
)

CONFIG = CrowdConfig(width=320, height=240, min_face=8, max_face=100, max_people=6)


@pytest.fixture(scope="module")
def bank():
    return heads.load()


@pytest.fixture(scope="module")
def composer(bank):
    return scenes.Composer(bank, CONFIG)


@pytest.fixture(scope="module")
def tiles(bank):
    return scenes.split_tiles(bank)


@pytest.fixture(scope="module")
def crowd(composer, tiles):
    return [
        composer.compose(scenes.random_generator(0, "train", index), tiles["train"])
        for index in range(12)
    ]


def _view(**changes):
    view = annotations.FaceView(
        box=np.array([10.0, 20.0, 40.0, 50.0]),
        keypoints=np.zeros((68, 2)),
        identity=3,
        yaw=0.0,
        pitch=0.0,
        covered=0.0,
        blur=0.0,
        light=1.0,
    )
    return view._replace(**changes)


def test_same_seed_same_bytes_in_any_order(bank, crowd, tiles):
    fresh = scenes.Composer(bank, CONFIG)
    for index in (5, 0, 3):
        rng = scenes.random_generator(0, "train", index)
        scene = fresh.compose(rng, tiles["train"])
        assert scene.jpeg == crowd[index].jpeg
        for again, before in zip(scene.faces, crowd[index].faces, strict=True):
            np.testing.assert_array_equal(again, before)


@pytest.mark.parametrize(
    "change", [(1, "train", 0), (0, "validation", 0), (0, "train", 1)]
)
def test_seed_split_and_index_each_matter(change):
    one = scenes.random_generator(0, "train", 0).random()
    assert scenes.random_generator(*change).random() != one


def test_splits_share_no_identity(bank, tiles):
    people_of = {
        split: set(bank.identities[numbers]) - {-1} for split, numbers in tiles.items()
    }
    assert not people_of["train"] & people_of["validation"]
    share = len(people_of["train"]) / len(people_of["train"] | people_of["validation"])
    assert 0.75 < share < 0.85


def test_scenes_show_only_allowed_identities(bank, crowd, tiles):
    allowed = set(bank.identities[tiles["train"]])
    shown = {identity for scene in crowd for identity in scene.faces.identity}
    assert shown <= allowed - {-1}


def test_jpeg_is_the_image(crowd):
    for scene in crowd:
        decoded = cv2.imdecode(np.frombuffer(scene.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == scene.image.shape == (240, 320, 3)
        difference = np.abs(decoded[..., ::-1].astype(int) - scene.image)
        assert difference.mean() < 20


def test_face_sizes_are_as_asked(crowd):
    sides = np.concatenate([scene.faces.boxes[:, 2:].max(1) for scene in crowd])
    assert sides.min() >= 8 - 1  # whole pixels
    assert sides.max() <= 100 * 1.05 + 1  # turned heads have larger upright boxes


def test_keypoints_lie_on_their_faces(crowd):
    for scene in crowd:
        for (x, y, width, height), points in zip(
            scene.faces.boxes, scene.faces.keypoints, strict=True
        ):
            size = max(width, height)
            centre = points.mean(0) - [y + height / 2, x + width / 2]
            assert np.abs(centre).max() < 0.4 * size + 1
            assert np.ptp(points, axis=0).max() < 1.5 * size


def test_faces_differ_from_what_is_behind_them(bank, tiles):
    """An uncovered face shows its tile: box and keypoints are not shifted."""
    tile = int(tiles["train"][bank.kinds[tiles["train"]] == "face"][0])
    rgba = bank.tile(tile)
    head = people.load(rgba, bank.boxes[tile], bank.clothes_rgb[tile], True)
    y0, x0, y1, x1 = bank.boxes[tile] * rgba.shape[0]
    place = people.Placement(np.array([160.0, 120.0]), max(y1 - y0, x1 - x0), 0.0)
    patch, top, left = people.draw(np.random.default_rng(0), head, place, 240, 320)
    canvas = np.zeros((240, 320, 3), np.uint8)
    layers.over(canvas, patch, top, left)
    half_y, half_x = int((y1 - y0) / 4), int((x1 - x0) / 4)
    seen = canvas[120 - half_y : 120 + half_y, 160 - half_x : 160 + half_x]
    cy, cx = round((y0 + y1) / 2), round((x0 + x1) / 2)
    expected = rgba[cy - half_y : cy + half_y, cx - half_x : cx + half_x, :3]
    assert np.abs(seen.astype(int) - expected).mean() < 6


def test_nearer_person_covers_farther_one():
    image = np.zeros((60, 60, 3), np.uint8)
    patch = np.full((20, 20, 4), 255, np.uint8)
    items = [
        assembly.Item(2.0, patch // 2 + 127, 20, 30, 1),
        assembly.Item(1.0, patch, 20, 20, 0),
    ]
    outlines = [(np.array([x, 30.0]), np.array([9.0, 9.0]), 0.0) for x in (30.0, 40.0)]
    covered = assembly.assemble(image, items, outlines)
    np.testing.assert_allclose(covered, [0.5, 0.0], atol=0.03)


def test_part_outside_the_picture_counts_as_covered():
    image = np.zeros((60, 60, 3), np.uint8)
    patch = np.full((20, 20, 4), 255, np.uint8)
    outline = (np.array([0.0, 30.0]), np.array([9.0, 9.0]), 0.0)
    item = assembly.Item(1.0, patch, 20, -10, 0)
    covered = assembly.assemble(image, [item], [outline])
    np.testing.assert_allclose(covered, [0.5], atol=0.03)


@pytest.mark.parametrize(
    ("height", "flags"),
    [(34, (1, 1, 1)), (33, (0, 1, 1)), (15, (0, 0, 1)), (8, (0, 0, 0))],
)
def test_difficulty_follows_height(height, flags):
    box = np.array([10, 20, 0.8 * height, height])
    found = annotations.annotate([_view(box=box)], 240, 320)
    assert (found.easy[0], found.medium[0], found.hard[0]) == flags


@pytest.mark.parametrize(
    ("covered", "level"), [(0.0, 0), (0.03, 0), (0.1, 1), (0.4, 2), (0.85, 2)]
)
def test_occlusion_follows_covered_share(covered, level):
    found = annotations.annotate([_view(covered=covered)], 240, 320)
    assert found.occlusion[0] == level
    assert found.invalid[0] == (covered > 0.8)
    assert found.hard[0] == (covered <= 0.8)
    assert found.easy[0] == (level < 2)


def test_hidden_face_is_not_annotated():
    found = annotations.annotate([_view(covered=0.98), _view()], 240, 320)
    assert len(found.boxes) == 1


def test_no_faces():
    found = annotations.annotate([], 240, 320)
    assert found.boxes.shape == (0, 4)
    assert found.keypoints.shape == (0, 68, 2)
    assert found.easy.shape == (0,) and found.easy.dtype == bool


def test_easy_within_medium_within_hard(crowd):
    for scene in crowd:
        faces = scene.faces
        assert (faces.easy <= faces.medium).all()
        assert (faces.medium <= faces.hard).all()
        assert not (faces.hard & faces.invalid).any()


def test_turned_box_holds_the_turned_ellipse():
    place = people.Placement(np.array([50.0, 60.0]), 40.0, 0.5)
    box = annotations.turned_box(np.array([0.2, 0.3, 0.6, 0.6]), place)
    outline = layers.ellipse(place.centre, (15.0, 20.0), 0.5, corners=720)
    low, high = outline.min(0), outline.max(0)
    np.testing.assert_allclose(box, [*low, *(high - low)], atol=0.01)


def test_over_blends_premultiplied_and_cuts_off():
    canvas = np.full((4, 4, 3), 200, np.uint8)
    patch = np.zeros((3, 3, 4), np.uint8)
    patch[:] = (50, 0, 0, 128)
    layers.over(canvas, patch, -1, 2)
    np.testing.assert_array_equal(canvas[2:], 200)
    np.testing.assert_array_equal(canvas[:, :2], 200)
    np.testing.assert_allclose(canvas[0, 2], [150, 100, 100], atol=1)


def test_smallest_scene(bank, tiles):
    config = CrowdConfig(width=16, height=16, max_people=2)
    rng = scenes.random_generator(0, "train", 0)
    scene = scenes.Composer(bank, config).compose(rng, tiles["train"])
    assert scene.image.shape == (16, 16, 3)


def test_mannequins_have_no_features():
    """Marks on a face vanish; the rest of the head, and alpha, stay."""
    rgba = np.full((256, 256, 4), 255, np.uint8)
    rgba[..., :3] = (190, 150, 120)
    rgba[110:120, 90:166, :3] = 10  # glasses
    rgba[150:156, 110:146, :3] = (150, 40, 40)  # mouth
    rgba[10:20, 10:20, :3] = 77  # elsewhere
    smooth = mannequins.smooth_face(rgba, np.array([0.3, 0.33, 0.7, 0.67]))
    assert np.ptp(smooth[80:176, 90:166, :3].astype(int), axis=(0, 1)).max() < 40
    steps = np.abs(np.diff(smooth[80:176, 90:166, :3].astype(int), axis=0))
    assert steps.max() <= 3
    np.testing.assert_array_equal(smooth[10:20, 10:20], rgba[10:20, 10:20])
    np.testing.assert_array_equal(smooth[..., 3], rgba[..., 3])
