"""Photos with boxes, for the tests of --mode=anonymize."""

import annotated_photos
import fake_keypoints
import pytest

from safefakes_tf.keypoints import mediapipe


@pytest.fixture
def photos(tmp_path):
    return annotated_photos.write_photos(tmp_path / "photos")


@pytest.fixture
def boxes(tmp_path):
    return annotated_photos.write_boxes(tmp_path / "boxes.csv")


@pytest.fixture
def keypoints_of_every_face(monkeypatch):
    monkeypatch.setattr(mediapipe, "MediaPipeDetector", fake_keypoints.FakeDetector)
