"""A small DeepPrivacy that paints faces of the synthetic crowd, for a laptop.

    python main.py --mode=train_anonymizer --config=demo_deepprivacy

Weights made with it are for demonstration: they know 32 pixels and computer-made heads.
"""

import dataclasses

from safefakes_tf.config import DeepPrivacyConfig, GanConfig, TrainAnonymizer

from . import deepprivacy, demo_sun2018

BATCH_SIZE = 8
PHASE = 3_000  # steps


def get_config() -> TrainAnonymizer:
    config, demo = deepprivacy.get_config(), demo_sun2018.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(demo.data, anonymizer="deepprivacy"),
        network=DeepPrivacyConfig(channels=48, resolution=32),
        gan=GanConfig(
            total_images=32_500 * BATCH_SIZE,
            phase_images=PHASE * BATCH_SIZE,
            generator_learning_rate=4e-4,  # a sixteenth of the study's batch
            discriminator_learning_rate=4e-4,
            demonstration=True,
        ),
        loop=dataclasses.replace(demo.loop, global_batch_size=BATCH_SIZE),
    )
