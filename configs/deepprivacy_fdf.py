"""DeepPrivacy on all of FDF, 1,421,253 images: what its authors published.

python main.py --mode=train_anonymizer --config=deepprivacy_fdf --manual_dir=fdf
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import deepprivacy


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        deepprivacy.get_config(),
        [
            "data.dataset=fdf",
            "crops=stored",
        ],
    )
