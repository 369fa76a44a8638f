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


def keypoint_features(layout: str | None) -> Features:
    """Return the features of keypoints, and of who found them if a search did."""
    if layout is None:
        return {}
    shape = (None, layouts.NUM_POINTS[layout], 2)
    features = {
        faces.KEYPOINTS: tfds.features.Tensor(shape=shape, dtype=np.float32),
        faces.HAS_KEYPOINTS: flag_feature(),
    }
    if layout == layouts.FOUND:
        features[faces.KEYPOINTS_SOURCE] = label_feature(faces.SOURCES)
    return features


def declared_features(identities: bool, difficulties: bool) -> Features:
    """Return what a builder declares: whose faces they are, and how difficult."""
    features = {}
    if identities:
        features[faces.IDENTITY] = tfds.features.Tensor(shape=(None,), dtype=np.int64)
    if difficulties:
        features |= {f"faces/{name}": flag_feature() for name in wider.DIFFICULTIES}
    return features


def attribute_features() -> Features:
    """Return the features of WIDER FACE's attributes of a face."""
    return {
        f"faces/{name}": flag_feature() if name == "invalid" else label_feature(classes)
        for name, classes in wider.CLASSES.items()
    }
