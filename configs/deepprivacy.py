"""DeepPrivacy as in the study: 40 million faces, batch 128, rate 1.5e-3, 128 pixels.

    python main.py --mode=train_anonymizer --anonymizer=deepprivacy --manual_dir=photos

The study trained on FDF, for about 40 days on one GPU. For something small see
`demo_deepprivacy`. Source: deepprivacy.md, section 10.
"""

import dataclasses

from safefakes_tf.config import TrainAnonymizer


def get_config() -> TrainAnonymizer:
    config = TrainAnonymizer()
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, anonymizer="deepprivacy"),
        loop=dataclasses.replace(config.loop, global_batch_size=128),
    )
