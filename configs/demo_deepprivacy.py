"""A small DeepPrivacy that paints faces of the synthetic crowd, for a laptop.

    python main.py --mode=train_anonymizer --config=demo_deepprivacy

Weights made with it are for demonstration: they know 32 pixels and computer-made heads.
"""

import dataclasses

from configs import deepprivacy
from safefakes_tf.config import Config, CrowdConfig, DeepPrivacyConfig

BATCH_SIZE = 16


def get_config() -> Config:
    config = deepprivacy.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data,
            crowd=CrowdConfig(num_train=800, num_validation=50, min_face=40.0),
        ),
        deepprivacy=DeepPrivacyConfig(channels=64, resolution=32),
        gan=dataclasses.replace(
            config.gan, total_images=6_000 * BATCH_SIZE, demonstration=True
        ),
        loop=dataclasses.replace(
            config.loop,
            global_batch_size=BATCH_SIZE,
            log_every=50,
            checkpoint_every=500,
            pictures_every=500,
        ),
    )
