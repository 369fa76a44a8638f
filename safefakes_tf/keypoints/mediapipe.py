"""Search for the keypoints of annotated faces with MediaPipe.

For each box: the face landmarker mesh on an enlarged crop, else the six points of
BlazeFace; the shoulders from the pose landmarker. On real crowds the mesh is not found
for most small faces, so BlazeFace is the usual case there.
"""

import os
import pathlib
import zipfile

import cv2
import numpy as np

from safefakes_tf import faces
from safefakes_tf.keypoints import layouts, model_files
from safefakes_tf.keypoints.search import Found

MIN_IOU = 0.3  # of what was found with the annotated box; less is a neighbour's
MIN_SIDE = 4  # px; smaller boxes are not searched
FACE_CROP, POSE_CROP = 2.0, 4.5  # sides of the crops in longer sides of the box
CROP_SIDE = 320  # px that a model gets to see
MAX_IN_CROP = 4  # faces, or people, that are looked for: neighbours are there too
MIN_CONFIDENCE = 0.3
MIN_VISIBILITY = 0.5  # of a shoulder
NUM_IBUG = layouts.NUM_KEYPOINTS["ibug68"]
POSE_NOSE, POSE_SHOULDERS = 0, (11, 12)  # left, right
BLAZEFACE_ORDER = (2, 1, 0, 5, 4)  # nose, left eye, right eye, left ear, right ear
FACE_MODEL = "face_landmarker.task"  # holds the mesh and BlazeFace
NEAR_ZERO = 1e-6  # the least coordinate, as zero means absent


class MediaPipeDetector:
    """See the module. To be closed: at the end of a programme that comes too late.

    Args:
        models: the folder of the `.task` files; None: see `model_files.find`.
        layout: that is needed of what is found. The mesh alone gives `ibug68`, so
            BlazeFace and the pose landmarker, half of the work, are not asked then.

    Raises:
        ValueError: if a model file is not to be found.
    """

    def __init__(
        self, models: str | os.PathLike | None = None, layout: str = layouts.FOUND
    ):
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision

        path = model_files.find(FACE_MODEL, models)
        self._mesh = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=tasks.BaseOptions(model_asset_path=str(path)),
                num_faces=MAX_IN_CROP,
                min_face_detection_confidence=MIN_CONFIDENCE,
            )
        )
        self._blazeface = self._pose = None
        if layout == "ibug68":
            return
        self._blazeface = blazeface(path, MIN_CONFIDENCE)
        path = model_files.find("pose_landmarker_full.task", models)
        self._pose = vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(
                base_options=tasks.BaseOptions(model_asset_path=str(path)),
                num_poses=MAX_IN_CROP,
            )
        )

    def find(self, photo: np.ndarray, boxes: np.ndarray) -> Found:
        """Return the keypoints of the faces of a photo; see `Detector`."""
        size = np.array(photo.shape[:2])
        keypoints = np.zeros([len(boxes), layouts.NUM_FOUND, 2], np.float32)
        source = np.full(len(boxes), faces.NOT_FOUND, np.int64)
        areas = np.zeros([len(boxes), 4], np.float32)
        for face, box in enumerate(boxes * np.tile(size, 2)):
            if min(box[2:] - box[:2]) >= MIN_SIDE:
                points, source[face], area = self._find_one(photo, box)
                keypoints[face] = _relative(points, size)
                areas[face] = area / np.tile(size, 2)
        return Found(keypoints, source, areas)

    def close(self) -> None:
        """Free the models."""
        for model in filter(None, (self._mesh, self._blazeface, self._pose)):
            model.close()

    def _find_one(self, photo, box):
        """Return points, y x in pixels with NaN where absent, who found them, where."""
        points = np.full([layouts.NUM_FOUND, 2], np.nan)
        crop, corner, scale = _crop(photo, box, FACE_CROP)
        image = picture(crop)
        meshes = [
            corner + _array(mesh) * scale
            for mesh in self._mesh.detect(image).face_landmarks
        ]
        areas = [np.ravel([mesh.min(axis=0), mesh.max(axis=0)]) for mesh in meshes]
        best = _best(box, areas)
        if best is not None:
            points[:NUM_IBUG] = meshes[best][list(layouts.MESH_OF_IBUG68)]
            if self._pose is None:
                return points, faces.MESH, areas[best]
            five, source = _five_of_68(points), faces.MESH
        elif self._blazeface is None:
            return points, faces.NOT_FOUND, np.zeros(4)
        else:
            seen = self._blazeface.detect(image).detections
            sixes = [corner + _array(each.keypoints) * scale for each in seen]
            areas = [_area(each.bounding_box, corner, scale) for each in seen]
            best = _best(box, areas)
            if best is None:
                return points, faces.NOT_FOUND, np.zeros(4)
            five, source = sixes[best][list(BLAZEFACE_ORDER)], faces.BLAZEFACE
        points[NUM_IBUG:] = [*five, *self._shoulders(photo, box, five[0])]
        return points, source, areas[best]

    def _shoulders(self, photo, box, nose):
        crop, corner, scale = _crop(photo, box, POSE_CROP)
        absent = np.full([2, 2], np.nan)
        poses = self._pose.detect(picture(crop)).pose_landmarks
        if not poses:
            return absent
        places = [corner + _array(pose) * scale for pose in poses]
        distances = [np.linalg.norm(place[POSE_NOSE] - nose) for place in places]
        nearest = int(np.argmin(distances))
        if distances[nearest] > 0.5 * max(box[2:] - box[:2]):
            return absent
        shoulders = places[nearest][list(POSE_SHOULDERS)]
        confidence = [poses[nearest][n].visibility for n in POSE_SHOULDERS]
        seen = ((shoulders >= 0) & (shoulders <= photo.shape[:2])).all(axis=1)
        seen &= np.array(confidence) >= MIN_VISIBILITY
        return np.where(seen[:, None], shoulders, np.nan)


def blazeface(path: pathlib.Path, min_confidence: float):
    """Return MediaPipe's `FaceDetector` from the file `FACE_MODEL`; to be closed."""
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    with zipfile.ZipFile(path) as archive:
        model = archive.read("face_detector.tflite")
    return vision.FaceDetector.create_from_options(
        vision.FaceDetectorOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=model),
            min_detection_confidence=min_confidence,
        )
    )


def _crop(photo, box, factor):
    """Return a square around a box, its near corner, and its pixels per its side."""
    centre, side = (box[:2] + box[2:]) / 2, factor * max(box[2:] - box[:2])
    corner = centre - side / 2
    zoom = CROP_SIDE / side
    matrix = np.array([[zoom, 0, -corner[1] * zoom], [0, zoom, -corner[0] * zoom]])
    crop = cv2.warpAffine(
        photo, matrix, (CROP_SIDE, CROP_SIDE), borderMode=cv2.BORDER_REPLICATE
    )
    return crop, corner, side


def picture(pixels: np.ndarray):
    """Return uint8 [H, W, 3], RGB, as MediaPipe takes it."""
    import mediapipe as mp

    contiguous = np.ascontiguousarray(pixels)
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=contiguous)


def _array(landmarks):
    """Return float [K, 2], y x in sides of the crop."""
    return np.array([[point.y, point.x] for point in landmarks])


def _area(bounding_box, corner, scale):
    """Return the box of a detection, yxyx in pixels of the photo."""
    near = np.array([bounding_box.origin_y, bounding_box.origin_x])
    far = near + np.array([bounding_box.height, bounding_box.width])
    return np.ravel(corner + np.array([near, far]) * (scale / CROP_SIDE))


def _best(box, areas):
    """Return the number of the area that overlaps the box most, if that is enough."""
    overlaps = [_iou(box, area) for area in areas]
    if not overlaps or max(overlaps) < MIN_IOU:
        return None
    return int(np.argmax(overlaps))


def _iou(box, other):
    near, far = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
    common = np.prod(np.maximum(far - near, 0))
    both = np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2])
    return common / (both - common)


def _five_of_68(points):
    """Return nose, eyes and ears, as `layouts` reads them off `ibug68`."""
    eyes = [points[eye].mean(axis=0) for eye in (layouts.LEFT_EYE, layouts.RIGHT_EYE)]
    ears = [points[layouts.LEFT_EAR], points[layouts.RIGHT_EAR]]
    return [points[layouts.NOSE], *eyes, *ears]


def _relative(points, size):
    """Return points in 0..1, zero where absent; beyond the photo, at its border."""
    inside = np.clip(points / size, NEAR_ZERO, 1.0)
    return np.where(np.isnan(points), 0.0, inside)
