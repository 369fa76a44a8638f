"""DeepPrivacy on PIPA, as in the study: faces with seven keypoints, some 38,000.

python main.py --mode=train_anonymizer --config=deepprivacy_pipa --manual_dir=pipa
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import deepprivacy


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        deepprivacy.get_config(),
        [
            "data.dataset=pipa",
            "data.pipa.join_validation=true",
            "gan.only_with_keypoints=true",
            "crops=stored",
        ],
    )
