"""The study in miniature: minutes on two cores, nothing to download.

    python main.py --mode=study --config=quickstart

Five narrow DSFDs learn from the same computer-made crowds, each behind another
anonymizer, and are tested on crowds that nobody altered. What `make demo` runs.
"""

import dataclasses

from configs import detector
from safefakes_tf.config import Config, CrowdConfig


def get_config() -> Config:
    config = detector.get_config()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data,
            dataset="synthetic_crowd",
            crowd=CrowdConfig(
                num_train=600,
                num_validation=100,
                width=192,
                height=144,
                max_face=96.0,
                max_people=8,
            ),
        ),
        # An eighth of the channels and a fifth of the side: 1.6 % of the work on a
        # pixel, 4 % of the pixels.
        model=dataclasses.replace(
            config.model, width_multiplier=0.125, input_size=64, pixel_scale=1 / 64
        ),
        # From random weights in a few hundred steps: Adam, where SGD wants thousands.
        optimizer=dataclasses.replace(
            config.optimizer,
            kind="adam",
            learning_rate=1e-3,
            weight_decay=0.0,
            decay_steps=(400, 480),
            warmup_steps=20,
        ),
        loop=dataclasses.replace(
            config.loop,
            total_steps=500,
            global_batch_size=8,
            log_every=25,
            checkpoint_every=250,
            pictures_every=250,
        ),
        inference=dataclasses.replace(config.inference, multi_scale=False),
    )
