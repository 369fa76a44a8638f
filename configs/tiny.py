"""Seconds on a CPU, and of no other use: what the tests run.

python main.py --mode=study --config=tiny
"""

import dataclasses

from safefakes_tf.config import Study
from safefakes_tf.config.names import filters

from . import quickstart


def get_config() -> Study:
    config = quickstart.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data,
            crowd=dataclasses.replace(config.data.crowd, num_train=8, num_validation=3),
        ),
        model=dataclasses.replace(config.model, width_multiplier=1 / 32),
        # So low that a few steps leave the random start, and its finite boxes, alone.
        optimizer=dataclasses.replace(config.optimizer, learning_rate=1e-6),
        loop=dataclasses.replace(
            config.loop,
            total_steps=4,
            global_batch_size=2,
            log_every=1,
            checkpoint_every=2,
            image_summary_every=4,
        ),
        study_anonymizers=filters(),
    )
