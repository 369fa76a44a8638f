"""A small DeepPrivacy that paints faces of the synthetic crowd, for a laptop.

    python main.py --mode=train_anonymizer --config=demo_deepprivacy

Weights made with it are for demonstration: they know 32 pixels and computer-made heads.
"""

import dataclasses

from configs import deepprivacy, demo_sun2018
from safefakes_tf.config import Config, DeepPrivacyConfig


def get_config() -> Config:
    config, demo = deepprivacy.get_config(), demo_sun2018.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(demo.data, anonymizer="deepprivacy"),
        deepprivacy=DeepPrivacyConfig(channels=64, resolution=32),
        gan=dataclasses.replace(
            config.gan,
            total_images=6_000 * demo.loop.global_batch_size,
            demonstration=True,
        ),
        loop=demo.loop,
    )
