r"""Share of the crowd's faces that MediaPipe's face landmarker finds.

    python -m benchmarks.landmarker_on_crowd --scenes=100

Composes validation scenes and gives the landmarker an enlarged crop around each
uncovered face of 32 pixels or more. Found means that a mesh lies on the face: its
middle within the box. Up to three are looked for, as neighbours are in the crop too.
Printed: found and looked at, by size and over all; 90 % or more is wanted. Needs
`face_landmarker.task`. About a minute per 100 scenes on one core.
"""

import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np
from absl import app, flags

from safefakes_tf.config import CrowdConfig
from safefakes_tf.keypoints import model_files
from tfds_builders.synthetic_crowd import heads, scenes

_SCENES = flags.DEFINE_integer("scenes", 100, "Number of scenes.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the scenes.", lower_bound=0)
_MODEL = flags.DEFINE_string("model", None, "Path of face_landmarker.task.")
_ENLARGE = 2.0  # crop side, in longer sides of the box
_CROP = 320  # pixels that the landmarker sees
_SIZES = (32, 48, 72, 108, np.inf)
_UNCOVERED = 0.04


def make_landmarker(path):
    """Return a MediaPipe face landmarker for single pictures."""
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(path)), num_faces=3
        )
    )


def is_found(landmarker, photo, box) -> bool:
    """Return whether the landmarker puts a mesh on the face in `box`."""
    import mediapipe as mp

    x, y, width, height = (float(v) for v in box)
    side = _ENLARGE * max(width, height)
    corner = np.array([x + width / 2 - side / 2, y + height / 2 - side / 2])
    scale = _CROP / side
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    crop = cv2.warpAffine(
        photo, matrix, (_CROP, _CROP), borderMode=cv2.BORDER_REPLICATE
    )
    picture = mp.Image(image_format=mp.ImageFormat.SRGB, data=crop)
    meshes = landmarker.detect(picture).face_landmarks
    middles = [np.mean([[p.x, p.y] for p in mesh], axis=0) for mesh in meshes]
    return any((np.abs(middle - 0.5) < 0.5 / _ENLARGE).all() for middle in middles)


def main(_):
    """Compose, look, count, print."""
    path = model_files.find("face_landmarker.task", _MODEL.value)
    with make_landmarker(path) as landmarker:
        sides, hits = look(landmarker)
    for low, high in itertools.pairwise(_SIZES):
        inside = hits[(sides >= low) & (sides < high)]
        print(f"{low:4.0f} to {high:4.0f} px: {inside.sum():5d} of {inside.size:5d}")
    print(f"all          : {hits.sum():5d} of {hits.size:5d} = {hits.mean():.3f}")


def look(landmarker) -> tuple[np.ndarray, np.ndarray]:
    """Return longer side in pixels and whether found, for each face looked at."""
    bank = heads.load()
    composer = scenes.Composer(bank, CrowdConfig(seed=_SEED.value))
    tiles = scenes.split_tiles(bank)["validation"]
    sides, hits = [], []
    for index in range(_SCENES.value):
        rng = scenes.random_generator(_SEED.value, "validation", index)
        scene = composer.compose(rng, tiles)
        file = np.frombuffer(scene.jpeg, np.uint8)
        photo = cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        for box, covered in zip(scene.faces.boxes, scene.faces.covered, strict=True):
            if covered < _UNCOVERED and max(box[2:]) >= _SIZES[0]:
                sides.append(max(box[2:]))
                hits.append(is_found(landmarker, photo, box))
    return np.array(sides), np.array(hits, bool)


if __name__ == "__main__":
    app.run(main)
