"""Sun2018 on PIPA, as in the study: faces with 68 keypoints, some 16,000.

python main.py --mode=train_anonymizer --config=sun2018_pipa --manual_dir=pipa
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import sun2018


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        sun2018.get_config(),
        [
            "data.dataset=pipa",
            "data.pipa.join_validation=true",
            "gan.only_with_keypoints=true",
            "crops=stored",
        ],
    )
