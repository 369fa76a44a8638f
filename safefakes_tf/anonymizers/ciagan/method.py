"""CIAGAN for the registry."""

from safefakes_tf.anonymizers.ciagan import importer, network, pairs, trainer
from safefakes_tf.anonymizers.ciagan.anonymizer import Ciagan
from safefakes_tf.anonymizers.registry import Method

METHODS = {
    "ciagan": Method(
        Ciagan,
        network.build_generator,
        trainer.stages,
        pairs.batches,
        trainer.CiaganTrainer,
        cutter=pairs.cutter,
        stored_batches=pairs.stored_batches,
        needs_identities=True,
        importer=importer,
    )
}
