"""Sun2018 as in the study: batch 64, rates 5e-4 and 2e-5, 128 pixels, 60,000 steps.

    python main.py --mode=train_anonymizer --anonymizer=sun2018 --manual_dir=photos

The study trained on about 16,000 faces of PIPA. For something small see
`demo_sun2018`. Source: sun2018.md, sections 1 and 5.
"""

import dataclasses

from safefakes_tf.config import GanConfig, TrainAnonymizer

BATCH_SIZE = 64


def get_config() -> TrainAnonymizer:
    config = TrainAnonymizer()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, anonymizer="sun2018"),
        gan=GanConfig(
            total_images=60_000 * BATCH_SIZE,
            generator_learning_rate=5e-4,
            discriminator_learning_rate=2e-5,
        ),
        loop=dataclasses.replace(config.loop, global_batch_size=BATCH_SIZE),
    )
