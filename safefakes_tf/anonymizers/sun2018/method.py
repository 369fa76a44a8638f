"""Sun2018 for the registry."""

import functools

from safefakes_tf.anonymizers import face_crops, face_cutting
from safefakes_tf.anonymizers.registry import Method
from safefakes_tf.anonymizers.sun2018 import network, trainer
from safefakes_tf.anonymizers.sun2018.anonymizer import Sun2018

METHODS = {
    "sun2018": Method(
        Sun2018,
        network.build_generator,
        trainer.stages,
        functools.partial(face_crops.batches, Sun2018.keypoints),
        trainer.Sun2018Trainer,
        cutter=face_cutting.cutter,
        stored_batches=functools.partial(face_crops.stored_batches, Sun2018.keypoints),
    )
}
