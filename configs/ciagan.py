"""CIAGAN as in the study: batch 16, rate 1e-4, 1,200 identities, 128 pixels.

    python main.py --mode=train_anonymizer --anonymizer=ciagan --manual_dir=photos

The study trained on about 40,000 faces of CelebA and does not say how long; the
published programme stops after 2,001 passes over them at the latest. A round takes six
batches. For something small see `demo_ciagan`. Source: ciagan.md, sections 7 and 8.
"""

import dataclasses

from safefakes_tf.config import GanConfig, TrainAnonymizer

NUM_FACES, PASSES = 40_000, 2_001


def get_config() -> TrainAnonymizer:
    config = TrainAnonymizer()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, anonymizer="ciagan"),
        gan=GanConfig(
            total_images=NUM_FACES * PASSES,
            generator_learning_rate=1e-4,
            discriminator_learning_rate=1e-4,
        ),
        loop=dataclasses.replace(config.loop, global_batch_size=16),
    )
