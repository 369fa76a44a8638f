"""DeepPrivacy for the registry."""

import functools

from safefakes_tf.anonymizers import face_crops
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
        importer=importer,
    )
}
