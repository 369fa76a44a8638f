"""DeepPrivacy for the registry."""

import functools

from safefakes_tf.anonymizers import face_crops, face_cutting
from safefakes_tf.anonymizers.deepprivacy import importer, network, trainer
from safefakes_tf.anonymizers.deepprivacy.anonymizer import DeepPrivacy
from safefakes_tf.anonymizers.registry import Method

METHODS = {
    "deepprivacy": Method(
        DeepPrivacy,
        network.build_generator,
        trainer.stages,
        functools.partial(face_crops.batches, DeepPrivacy.keypoints),
        trainer.DeepPrivacyTrainer,
        cutter=face_cutting.cutter,
        stored_batches=functools.partial(
            face_crops.stored_batches, DeepPrivacy.keypoints
        ),
        importer=importer,
    )
}
