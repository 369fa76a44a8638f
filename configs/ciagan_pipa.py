"""CIAGAN on the identities of PIPA, as in the study.

    python main.py --mode=train_anonymizer --config=ciagan_pipa --manual_dir=pipa

PIPA has 2,356 people; those without two usable faces are left out.
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import ciagan


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        ciagan.get_config(),
        [
            "data.dataset=pipa",
            "data.pipa.join_validation=true",
            "network.num_identities=2356",
            "crops=stored",
        ],
    )
