"""MediaPipe on drawn heads: points in their places, and never a neighbour's."""

import contextlib
import functools

import fake_keypoints
import numpy as np
import pytest

from safefakes_tf import faces
from safefakes_tf.config import CrowdConfig
from safefakes_tf.keypoints import layouts, mediapipe, search
from safefakes_tf.photos import reader
from tfds_builders.synthetic_crowd import heads, scenes

pytestmark = pytest.mark.keypoints


@functools.cache
def some_scenes(count=6):
    """Return photos, relative boxes and 68 keypoints of their uncovered faces."""
    bank = heads.load()
    composer = scenes.Composer(bank, CrowdConfig(min_face=60.0, max_people=4))
    tiles = scenes.split_tiles(bank)["train"]
    found = []
    for index in range(count):
        scene = composer.compose(scenes.random_generator(0, "train", index), tiles)
        photo = reader.decode_stored(scene.jpeg)
        seen = scene.faces.covered < 0.04
        x, y, width, height = scene.faces.boxes[seen].T.astype(np.float64)
        boxes = np.stack([y, x, y + height, x + width], axis=1)
        boxes = np.float32(boxes / np.tile(photo.shape[:2], 2))
        points = scene.faces.keypoints[seen] / photo.shape[:2]
        found.append((photo, boxes, points))
    return found


def test_the_mesh_lies_on_the_features(keypoint_detector):
    errors, num_faces = [], 0
    for photo, boxes, expected in some_scenes():
        found = keypoint_detector.find(photo, boxes)
        size = np.array(photo.shape[:2])
        num_faces += len(boxes)
        for face in np.flatnonzero(found.source == faces.MESH):
            got = found.keypoints[face, :68] * size
            wanted = expected[face] * size
            unit = np.linalg.norm(wanted[36] - wanted[45])
            errors.append(np.linalg.norm(got - wanted, axis=1) / unit)
    assert len(errors) >= 0.6 * num_faces
    errors = np.median(errors, axis=0)
    assert errors[31:].max() < 0.12  # lower nose, eyes, lips: in outer eye distances
    assert errors[17:31].max() < 0.2  # brows, bridge
    assert errors[:17].max() < 0.4  # outline, along which points may slide


def test_the_seven_points_and_the_source(keypoint_detector):
    for photo, boxes, _ in some_scenes():
        found = keypoint_detector.find(photo, boxes)
        seven = found.keypoints[:, 68:]
        for face, source in enumerate(found.source):
            present = (seven[face] != 0).all(axis=1)
            assert present[:5].all() == (source != faces.NOT_FOUND)
            if source != faces.NOT_FOUND:
                assert seven[face, 1, 1] > seven[face, 2, 1]  # the person's left eye
            if present[5:].all():
                assert seven[face, 5, 0] > seven[face, 0, 0]  # shoulders below the nose


def test_for_the_68_points_only_the_mesh_is_asked(keypoint_detector):
    with contextlib.closing(mediapipe.MediaPipeDetector(layout="ibug68")) as mesh:
        for photo, boxes, _ in some_scenes():
            found, every = mesh.find(photo, boxes), keypoint_detector.find(photo, boxes)
            by_mesh = every.source == faces.MESH
            np.testing.assert_array_equal(found.source == faces.MESH, by_mesh)
            assert (found.source[~by_mesh] == faces.NOT_FOUND).all()
            np.testing.assert_array_equal(
                found.keypoints[by_mesh, :68], every.keypoints[by_mesh, :68]
            )
            assert not found.keypoints[~by_mesh].any()
            assert not found.keypoints[:, 68:].any()


def test_a_box_beside_a_face_gets_nothing_of_it(keypoint_detector):
    for photo, boxes, _ in some_scenes():
        for box in boxes:
            width = box[3] - box[1]
            beside = box[np.newaxis] + np.float32([0, 0.8, 0, 0.8]) * width
            found = keypoint_detector.find(photo, beside)
            if found.source[0] == faces.NOT_FOUND:
                assert not found.keypoints.any()
                continue
            other = found.keypoints[0, 68]  # the nose of another face, in its own box
            assert (other >= beside[0, :2]).all()
            assert (other <= beside[0, 2:]).all()


def test_degenerate_boxes_and_none(keypoint_detector):
    photo = some_scenes()[0][0]
    empty = keypoint_detector.find(photo, np.zeros([0, 4], np.float32))
    assert empty.keypoints.shape == (0, layouts.NUM_FOUND, 2)
    nothing = np.float32([[0.5, 0.5, 0.5, 0.6], [0, 0, 1, 1], [0.9, 0.9, 0.902, 0.903]])
    found = keypoint_detector.find(photo, nothing)
    assert found.source[0] == found.source[2] == faces.NOT_FOUND


@pytest.mark.parametrize("size", [(1, 1), (3, 320), (14, 14), (320, 9000)])
def test_photos_of_any_size_are_searched(size, keypoint_detector):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    boxes = np.float32([[0, 0, 1, 1], [0.2, 0.95, 0.9, 0.99], [-0.3, -0.5, 0.6, 0.5]])
    found = keypoint_detector.find(photo, boxes)
    assert found.keypoints.shape == (3, layouts.NUM_FOUND, 2)
    assert np.isfinite(found.keypoints).all()


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"face_landmarker.task was expected at"):
        mediapipe.MediaPipeDetector(tmp_path)


def photos(count=4):
    import cv2

    rng = np.random.default_rng(0)
    for _ in range(count):
        pixels = rng.integers(0, 256, [20, 30, 3], np.uint8)
        boxes = np.float32([[0.1, 0.1, 0.9, 0.8], [0, 0, 0.1, 0.05]])
        yield cv2.imencode(".png", pixels)[1].tobytes(), boxes


@pytest.mark.slow
def test_several_processes_find_the_same_in_the_same_order():
    one = list(search.find_all(photos(), fake_keypoints.FakeDetector))
    two = list(search.find_all(photos(), fake_keypoints.FakeDetector, num_processes=2))
    assert len(one) == 4
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left.keypoints, right.keypoints)
        np.testing.assert_array_equal(left.source, right.source)
        np.testing.assert_array_equal(left.source, [faces.MESH, faces.NOT_FOUND])


def test_the_index_map_has_a_vertex_per_point():
    assert len(layouts.MESH_OF_IBUG68) == 68
    assert len(set(layouts.MESH_OF_IBUG68)) == 68
    assert max(layouts.MESH_OF_IBUG68) < 468
