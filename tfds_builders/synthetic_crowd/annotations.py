"""What is recorded about the faces of a scene, after the manner of WIDER FACE."""

from typing import NamedTuple

import numpy as np

from tfds_builders.synthetic_crowd import people

# Covered share of a face from which it is ...
_PARTIAL, _HEAVY = 0.04, 0.33  # ... partially and heavily occluded,
_INVALID, _ABSENT = 0.8, 0.97  # ... marked invalid, and not annotated at all.
# Heights in pixels of the smallest face that counts. Source: wider_eval.md, section 1.
_EASY, _MEDIUM, _HARD = 34, 16, 9


class FaceView(NamedTuple):
    """A face as it came out in the photo.

    Attributes:
        box: float [4], x y width height, pixels.
        keypoints: float [68, 2], y x, pixels.
        identity: number of the person.
        yaw, pitch: of the head, degrees.
        covered: share of the face that is hidden or outside the picture.
        blur: deviation of the blur in units of the face's size.
        light: exposure factor.
    """

    box: np.ndarray
    keypoints: np.ndarray
    identity: int
    yaw: float
    pitch: float
    covered: float
    blur: float
    light: float


class Annotation(NamedTuple):
    """The annotated faces of a photo, one row each.

    Attributes:
        boxes: int32 [N, 4], x y width height, pixels, unclipped.
        keypoints: float32 [N, 68, 2], y x, pixels.
        identity: int64 [N].
        covered: float32 [N], share that is hidden or outside.
        blur, expression, illumination, occlusion, pose: int64 [N], as in WIDER FACE.
        invalid, easy, medium, hard: bool [N].
    """

    boxes: np.ndarray
    keypoints: np.ndarray
    identity: np.ndarray
    covered: np.ndarray
    blur: np.ndarray
    expression: np.ndarray
    illumination: np.ndarray
    occlusion: np.ndarray
    pose: np.ndarray
    invalid: np.ndarray
    easy: np.ndarray
    medium: np.ndarray
    hard: np.ndarray


def turned_box(head_box: np.ndarray, place: people.Placement) -> np.ndarray:
    """Return the upright box around a turned face, float64 [4], x y width height.

    The face is taken for the ellipse that fills its box in the bank.
    """
    y0, x0, y1, x1 = head_box
    half = np.array([x1 - x0, y1 - y0]) * place.face / max(y1 - y0, x1 - x0) / 2
    cos, sin = np.cos(place.roll), np.sin(place.roll)
    reach = np.hypot([half[0] * cos, half[0] * sin], [half[1] * sin, half[1] * cos])
    return np.concatenate([place.centre - reach, 2 * reach])


def annotate(views: list[FaceView], height: int, width: int) -> Annotation:
    """Turn faces into rows of the record.

    Args:
        views: the faces of a photo, in any order.
        height, width: size of the photo, pixels.

    Returns:
        The rows. A face that is hidden by more than 80 % is invalid: it counts in no
        difficulty, but is trained on, as in WIDER FACE (dsfd.md, section 9.1). One
        hidden by 97 % is left out.
    """
    views = [view for view in views if view.covered < _ABSENT]
    boxes = np.array([np.round(view.box) for view in views]).reshape(-1, 4)
    covered = np.array([view.covered for view in views], np.float32)
    spread = np.array([view.blur for view in views])
    light = np.array([view.light for view in views])
    turn = np.array([max(abs(v.yaw) / 40, abs(v.pitch) / 20) for v in views])
    occlusion = np.digitize(covered, [_PARTIAL, _HEAVY])
    blur = np.digitize(spread, [0.02, 0.06])
    invalid = covered > _INVALID
    tall = boxes[:, 3]
    hard = ~invalid & (tall >= _HARD)
    medium = hard & (tall >= _MEDIUM) & (occlusion < 2)
    easy = medium & (tall >= _EASY) & (blur < 2)
    points = np.array([view.keypoints for view in views], np.float32)
    return Annotation(
        boxes=boxes.astype(np.int32),
        keypoints=points.reshape(-1, 68, 2),
        identity=np.array([view.identity for view in views], np.int64),
        covered=covered,
        blur=blur.astype(np.int64),
        expression=np.array([_open_mouth(v.keypoints) for v in views], np.int64),
        illumination=((light < 0.6) | (light > 1.4)).astype(np.int64),
        occlusion=occlusion.astype(np.int64),
        pose=(turn > 1).astype(np.int64),
        invalid=invalid,
        easy=easy,
        medium=medium,
        hard=hard,
    )


def _open_mouth(keypoints: np.ndarray) -> bool:
    """Return whether the inner lips (ibug 60 to 67) stand a third of a mouth apart."""
    wide = np.linalg.norm(keypoints[64] - keypoints[60])
    return bool(np.linalg.norm(keypoints[66] - keypoints[62]) > 0.33 * wide)
