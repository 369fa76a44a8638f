"""DeepPrivacy on the first 100,000 training images of FDF, as in the study.

python main.py --mode=train_anonymizer --config=deepprivacy_fdf_100k --manual_dir=fdf
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import deepprivacy


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        deepprivacy.get_config(),
        [
            "data.dataset=fdf",
            "data.fdf.first=100000",
            "crops=stored",
        ],
    )
