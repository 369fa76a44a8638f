"""The TFDS features of records."""

from collections.abc import Iterable

import numpy as np
import tensorflow_datasets as tfds

from safefakes_tf import faces
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos.box_files import wider

Features = dict[str, tfds.features.FeatureConnector]


def label_feature(names: Iterable[str]) -> tfds.features.FeatureConnector:
    """Return the feature of one class label per face, int64 [N]."""
    return tfds.features.Sequence(tfds.features.ClassLabel(names=list(names)))


def flag_feature() -> tfds.features.FeatureConnector:
    """Return the feature of one truth value per face, bool [N]."""
    return tfds.features.Tensor(shape=(None,), dtype=np.bool_)


def photo_features(image_format: str | None) -> Features:
    """Return what every record has; `image_format` None takes files as they are."""
    return {
        faces.IMAGE: tfds.features.Image(encoding_format=image_format),
        faces.FILENAME: tfds.features.Text(),
        faces.BBOX: tfds.features.Tensor(shape=(None, 4), dtype=np.float32),
        faces.BBOX_PIXELS: tfds.features.Tensor(shape=(None, 4), dtype=np.int32),
    }


def keypoint_features(layout: str) -> Features:
    """Return the features of keypoints, and of who found them if a search did."""
    num_points = layouts.NUM_POINTS[layout]
    points = tfds.features.Tensor(shape=(None, num_points, 2), dtype=np.float32)
    features = {faces.KEYPOINTS: points, faces.HAS_KEYPOINTS: flag_feature()}
    if layout == layouts.FOUND:
        features[faces.KEYPOINTS_SOURCE] = label_feature(faces.SOURCES)
    return features


def identity_feature() -> Features:
    """Return the feature of whose faces they are."""
    return {faces.IDENTITY: tfds.features.Tensor(shape=(None,), dtype=np.int64)}


def difficulty_features() -> Features:
    """Return the features of which faces count as easy, medium and hard."""
    return {f"faces/{name}": flag_feature() for name in wider.DIFFICULTIES}


def attribute_features() -> Features:
    """Return the features of WIDER FACE's attributes of a face."""
    return {
        f"faces/{name}": flag_feature() if name == "invalid" else label_feature(classes)
        for name, classes in wider.CLASSES.items()
    }
