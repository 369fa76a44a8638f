"""The study in miniature with every anonymizer: `make demo-all` in the README.

    python main.py --mode=study --config=demo_all

Generators use the weights that come with the project. The README tells how long it
takes.
"""

import dataclasses

from safefakes_tf.config import Study
from safefakes_tf.config.names import anonymizers

from . import quickstart


def get_config() -> Study:
    return dataclasses.replace(quickstart.get_config(), study_anonymizers=anonymizers())
