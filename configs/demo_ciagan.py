"""A small CIAGAN that paints faces of the synthetic crowd, for a laptop.

    python main.py --mode=train_anonymizer --config=demo_ciagan

Weights made with it are for demonstration: they know 32 pixels and computer-made heads.
"""

import dataclasses

from safefakes_tf.config import CiaganConfig, GanConfig, TrainAnonymizer

from . import ciagan, demo_sun2018

BATCH_SIZE = 16
ROUNDS = 24_000
PAIRS = 4  # of a round, one for each step: identity network, critic, twice; generator


def get_config() -> TrainAnonymizer:
    config, demo = ciagan.get_config(), demo_sun2018.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(demo.data, anonymizer="ciagan"),
        network=CiaganConfig(
            width_multiplier=0.5,
            resolution=32,
            num_identities=150,
            discriminator_width_multiplier=0.25,
        ),
        gan=GanConfig(
            total_images=ROUNDS * PAIRS * BATCH_SIZE,
            generator_learning_rate=4e-4,
            discriminator_learning_rate=4e-4,
            generator_steps=1,  # three leave small judges behind
            identity_weight=0.1,  # at 1 a small identity network drowns the critic
            demonstration=True,
        ),
        loop=dataclasses.replace(demo.loop, global_batch_size=BATCH_SIZE),
    )
