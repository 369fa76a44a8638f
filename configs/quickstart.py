"""The study in miniature: minutes on two cores, nothing to download.

    python main.py --mode=study --config=quickstart

Six narrow DSFDs learn from the same computer-made crowds, each behind another
anonymizer, and are tested on crowds that nobody altered. What `make demo` runs.
"""

import dataclasses

from safefakes_tf.config import AugmentationConfig, CrowdConfig, Study, adapt
from safefakes_tf.config.names import filters

from . import detector


def get_config() -> Study:
    config = adapt(detector.get_config(), "study")
    return dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data,
            dataset="synthetic_crowd",
            crowd=CrowdConfig(
                num_train=400,
                num_validation=80,
                width=256,
                height=192,
                min_face=32.0,
                max_face=96.0,
                max_people=8,
            ),
        ),
        # Square crops alone: at this input size the other kind leaves faces tiny.
        augmentation=AugmentationConfig(anchor_sampling_probability=0.0),
        # An eighth of the channels and a tenth of the side: 1.6 % of the work on a
        # pixel, 1 % of the pixels.
        model=dataclasses.replace(
            config.model, width_multiplier=0.125, input_size=64, pixel_scale=1 / 64
        ),
        # From random weights in a thousand steps: Adam, where SGD wants many thousands,
        # and clipping, since a few batches have gradients a hundred times the usual and
        # would spoil Adam's estimates. What it learns hangs on the last steps at this
        # rate, less so their average.
        optimizer=dataclasses.replace(
            config.optimizer,
            kind="adam",
            learning_rate=2e-3,
            weight_decay=0.0,
            decay_steps=(),
            warmup_steps=50,
            clip_norm=10.0,
            ema=0.99,
        ),
        loop=dataclasses.replace(
            config.loop,
            total_steps=1200,
            global_batch_size=8,
            log_every=25,
            checkpoint_every=300,
            image_summary_every=1200,
        ),
        # Half size, where the faces are as large as in the training crops.
        inference=dataclasses.replace(config.inference, multi_scale=False, scale=0.5),
        # And a generator whose weights come with the project.
        study_anonymizers=(*filters(), "sun2018"),
    )
