"""DSFD with VGG-16 as in the study: batch 4, rate 2.5e-4, 60,000 steps.

    python main.py --mode=train_detector --dataset=widerface --anonymizer=blur

About 2.7e17 floating point operations (dsfd.md, section 15): made for GPUs. For
something small see `quickstart` and `tiny`.
"""

from safefakes_tf.config import TrainDetector


def get_config() -> TrainDetector:
    return TrainDetector()
