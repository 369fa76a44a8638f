"""The study in miniature with every anonymizer: `make demo-all` in the README.

    python main.py --mode=study --config=demo_all

Generators paint with the demonstration weights. The README tells how long it takes.
"""

import dataclasses

from configs import quickstart
from safefakes_tf.config import ANONYMIZER_NAMES, Config


def get_config() -> Config:
    return dataclasses.replace(
        quickstart.get_config(), study_anonymizers=ANONYMIZER_NAMES
    )
