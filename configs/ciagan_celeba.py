"""CIAGAN on the 1,200 people with the most training photos of CelebA.

python main.py --mode=train_anonymizer --config=ciagan_celeba --manual_dir=celeba
"""

from safefakes_tf.config import TrainAnonymizer, apply_overrides

from . import ciagan


def get_config() -> TrainAnonymizer:
    return apply_overrides(
        ciagan.get_config(),
        [
            "data.dataset=celeba",
            "data.celeba.identities=1200",
            "crops=stored",
        ],
    )
