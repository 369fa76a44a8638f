r"""Draw which vertex of MediaPipe's mesh stands for which of the 68 points.

    python -m tools.draw_keypoints --output=docs/ibug68.jpg

On a drawn head of the bank: left the number of each point of `ibug68`, right the vertex
(`layouts.MESH_OF_IBUG68`), both where MediaPipe finds them.
"""

import contextlib
import pathlib

import cv2
import numpy as np
from absl import app, flags

from safefakes_tf import faces
from safefakes_tf.config import CrowdConfig
from safefakes_tf.keypoints import layouts, mediapipe
from safefakes_tf.photos import reader, writer
from tfds_builders.synthetic_crowd import heads, scenes

_OUTPUT = flags.DEFINE_string("output", "docs/ibug68.jpg", "Picture to write.")
SIDE = 900  # px of each half
SCENES = 200


def main(_):
    """Find a large face that looks ahead, and draw its points."""
    photo, box, points = _example()
    half = 0.62 * max(box[2:] - box[:2])
    corner = (box[:2] + box[2:]) / 2 - half
    zoom = SIDE / (2 * half)
    matrix = np.array([[zoom, 0, -corner[1] * zoom], [0, zoom, -corner[0] * zoom]])
    face = cv2.warpAffine(
        photo, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=1
    )
    face = (0.5 * face + 127).astype(np.uint8)
    places = (points - corner) * zoom
    halves = [
        _numbered(face.copy(), places, labels)
        for labels in (range(68), layouts.MESH_OF_IBUG68)
    ]
    drawn = np.concatenate(halves, axis=1)
    writer.write(pathlib.Path(_OUTPUT.value), drawn, quality=95)
    print(f"picture: {_OUTPUT.value}")


def _example():
    """Return the photo, box and points, in pixels, of the face that is most frontal."""
    bank = heads.load()
    composer = scenes.Composer(bank, CrowdConfig(min_face=150, max_people=1))
    tiles = scenes.split_tiles(bank)["train"]
    examples = []
    with contextlib.closing(mediapipe.MediaPipeDetector()) as detector:
        for index in range(SCENES):
            scene = composer.compose(scenes.random_generator(0, "train", index), tiles)
            photo = reader.decode_stored(scene.jpeg)
            size = np.tile(photo.shape[:2], 2)
            for (x, y, width, height), covered in zip(
                scene.faces.boxes, scene.faces.covered, strict=True
            ):
                box = np.array([y, x, y + height, x + width], np.float64)
                found = detector.find(photo, np.float32(box / size)[np.newaxis])
                if found.source[0] == faces.MESH and covered == 0:
                    points = found.keypoints[0, :68] * size[:2]
                    examples.append((_turn(points), photo, box, points))
    return min(examples, key=lambda example: example[0])[1:]


def _turn(points):
    """Return how far the nose is from the middle of the outline, in its widths."""
    left, right = points[0, 1], points[16, 1]
    return abs(points[30, 1] - (left + right) / 2) / (right - left)


def _numbered(face, places, labels):
    for (y, x), label in zip(places, labels, strict=True):
        cv2.circle(face, (round(x), round(y)), 4, (220, 0, 0), -1, cv2.LINE_AA)
        cv2.putText(
            face,
            str(label),
            (round(x) + 6, round(y) - 4),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.45,
            (0, 0, 0),
            1,
            cv2.LINE_AA,
        )
    return face


if __name__ == "__main__":
    app.run(main)
