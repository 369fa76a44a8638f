import random

import hostile_inputs
import pytest
from input_kinds import KINDS

MAY_BE_REFUSED = ("flags", "settings", "checkpoint", "generator", "stored photo")
SLOW = ("data set", "detector", "training")


@pytest.mark.parametrize("name", KINDS)
def test_broken_inputs_are_read_or_refused_in_one_line(name, tmp_path):
    kind = KINDS[name]
    if name not in MAY_BE_REFUSED:
        kind.write(random.Random(0), tmp_path)
        kind.read(tmp_path)
    for number in range(4 if name in SLOW else 12):
        _, result = hostile_inputs.outcome(number, [name])
        assert result in ("read", "refused"), number
