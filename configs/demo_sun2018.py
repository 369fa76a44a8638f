"""A small Sun2018 that paints faces of the synthetic crowd, for a laptop.

    python main.py --mode=train_anonymizer --config=demo_sun2018

Weights made with it are for demonstration: they know 64 pixels and computer-made heads.
"""

import dataclasses

from safefakes_tf.config import CrowdConfig, Sun2018Config, TrainAnonymizer

from . import sun2018

BATCH_SIZE = 16


def get_config() -> TrainAnonymizer:
    config = sun2018.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data,
            # Many small photos of few people: more faces an hour, fewer covered ones.
            crowd=CrowdConfig(
                num_train=4_000,
                num_validation=40,
                width=320,
                height=240,
                min_face=36.0,
                max_face=112.0,
                max_people=6,
            ),
        ),
        network=Sun2018Config(width=14, resolution=64),
        gan=dataclasses.replace(
            config.gan, total_images=7_000 * BATCH_SIZE, demonstration=True
        ),
        loop=dataclasses.replace(
            config.loop,
            global_batch_size=BATCH_SIZE,
            log_every=50,
            checkpoint_every=500,
            image_summary_every=500,
        ),
    )
